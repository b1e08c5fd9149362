"""Who a shopper is: the one rule that the shop and its shoppers share."""

import hashlib


def password(shopper: int) -> str:
    """Give the password of a shopper, the same in every run: made-up shoppers have nothing to hide."""
    return hashlib.blake2b(b"shopper %d" % shopper, digest_size=8).hexdigest()
