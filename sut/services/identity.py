"""Who a shopper is: the one rule that the shop and its shoppers share."""

import hashlib


def password(shopper: int) -> str:
    """Give a shopper's password: a rule, since shoppers of a load have no secrets to lose."""
    return hashlib.blake2b(f"shopper {shopper}".encode(), digest_size=8).hexdigest()
