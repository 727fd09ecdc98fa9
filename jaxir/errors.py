"""The three error families: what the user did, what a candidate lacks, and bugs.

* `UserError`: bad input (configuration, path, template, argument). The command line prints its one line and exits 2.
* `Rejected`: a candidate kernel is not wanted. Expected, counted and retried; a user never sees it as an exception.
* Everything else is a bug and is never caught.
"""

from __future__ import annotations


class UserError(Exception):
    """Bad input from the user.

    The message is one line: the path or option, what was found, what was expected, and what to do.
    """


class Rejected(Exception):
    """A candidate kernel failed an admission check; see `jaxir.sample.Rejection` for the record that is kept.

    Args:
        stage: the part of the pipeline that refused: `compose`, `trace`, `lower`, `parse`, `inputs`, `run`, `admit`.
        reason: a short, countable phrase without sample-specific numbers, such as `unused input`.
        detail: free text for a person, such as the exception of JAX; it is cut to its first line.
    """

    def __init__(self, stage: str, reason: str, detail: str = "") -> None:
        super().__init__(f"{stage}: {reason}" + (f" ({detail})" if detail else ""))
        self.stage = stage
        self.reason = reason
        self.detail = detail.strip().split("\n", 1)[0][:300]

    def __reduce__(self) -> tuple[type[Rejected], tuple[str, str, str]]:
        return Rejected, (self.stage, self.reason, self.detail)
