"""The way to the database: who is asked where it leads."""

from sut.components.db_route import settings

NODES = {"orders_db-1": "198.18.7.11", "orders_db-2": "198.18.7.12"}


def servers(text: str) -> list[str]:
    """Give the words about each node."""
    return [line.strip().removeprefix("server ") for line in text.splitlines() if line.strip().startswith("server ")]


def test_it_asks_patroni_who_is_the_primary_and_drops_the_sessions_of_who_is_not() -> None:
    good = settings(NODES)
    assert "option httpchk OPTIONS /primary" in good
    assert "on-marked-down shutdown-sessions" in good
    assert servers(good) == ["orders_db-1 198.18.7.11:5432 check port 8008", "orders_db-2 198.18.7.12:5432 check port 8008"]
    assert settings(NODES, {"no_failover"}) == good


def test_in_the_bad_shop_it_asks_nobody_and_goes_back_to_the_first_node() -> None:
    bad = settings(NODES, {"naive_route"})
    assert "httpchk" not in bad
    assert "8008" not in bad
    assert "on-marked-down" not in bad
    assert "on-marked-up shutdown-backup-sessions" in bad
    assert servers(bad) == ["orders_db-1 198.18.7.11:5432 check", "orders_db-2 198.18.7.12:5432 check backup"]
