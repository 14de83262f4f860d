"""Devices of people, and what one may tell us."""

from attrs import frozen


@frozen
class Device:
    """A device of somebody, and its two public keys."""

    user_id: str
    device_id: str
    curve25519: str
    ed25519: str


@frozen
class NewKey:
    """The key of a group session has come."""

    session_id: str


@frozen
class Unread:
    """A device speaks to us in an Olm session that is broken or that we do not have."""

    user_id: str
    curve25519: str
