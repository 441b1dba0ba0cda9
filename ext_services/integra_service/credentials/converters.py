"""How addresses spell what this app hands out."""


class TokenConverter:
    """16 random bytes in base64url."""

    regex = "[A-Za-z0-9_-]{22}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value
