"""The provider that Pods reach."""

from emulators import aws


class Cloud(aws.AwsEmulator):
    """An AWS at an address of this machine, which knows every secret that it gave."""

    def __init__(self, address: str) -> None:
        super().__init__(hosts=[address])
        self.address = address
        self.secrets: set[str] = set()

    @property
    def url(self) -> str:
        """Where Pods find it."""
        return f"https://{self.address}:{self.port}"

    def create_key(self, user: str | aws.User) -> tuple[str, str]:
        """Makes an access key: its id and its secret."""
        key = super().create_key(user)
        self.secrets.add(key[1])
        return key
