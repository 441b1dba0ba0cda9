"""What a learner's phone downloads for one block: its markup and its own files, each compressed as a server does."""

import gzip
import re
from pathlib import Path
from typing import Any, NamedTuple

import integra_xblocks

PUBLIC = Path(integra_xblocks.__file__).parent / "public"
BUDGET = 15_000


class Weight(NamedTuple):
    """Bytes after gzip, and of how many files besides the markup."""

    size: int
    files: int


def weigh(page: Any, *, has_words: bool = True) -> Weight:
    """Return the weight of a rendered view; what the platform sends by itself does not count.

    Without its words a test is weighed: its forty questions are in the page, so that a dead signal stops nobody.
    """
    markup = page.html if has_words else re.sub(r"(?<=>)[^<]+(?=<)", "", page.html)
    files = [
        PUBLIC / resource.data.partition("/public/")[2]
        for resource in page.fragment.resources
        if resource.kind == "url"
    ]
    contents = [markup.encode(), *(file.read_bytes() for file in files)]
    return Weight(sum(len(gzip.compress(content)) for content in contents), len(files))
