"""What a protocol file that is refused says."""


class ProtocolError(ValueError):
    """The protocol cannot be used; the text names the place and what is wrong there."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}")
        self.place = place
        self.problem = problem
