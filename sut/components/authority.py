"""The authority that vouches for the run's own servers: made for one run, its key never leaves this process's memory."""

import trustme


class Authority:
    """A certificate authority, made when this is. ``certificate`` is its own, as PEM text: who has it, believes it."""

    def __init__(self) -> None:
        self._authority = trustme.CA(organization_name="windtunnel")
        self.certificate = self._authority.cert_pem.bytes().decode()

    def vouch(self, *names: str) -> str:
        """Give a new key and the certificates that vouch for it, as PEM text, for a server of these names or addresses."""
        return self._authority.issue_cert(*names).private_key_and_cert_chain_pem.bytes().decode()
