"""What a learner's phone downloads for one block: its markup and its own files, each compressed as a server does."""

import gzip
import re
from pathlib import Path
from typing import Any, NamedTuple

import integra_xblocks

PUBLIC = Path(integra_xblocks.__file__).parent / "public"
BUDGET = 15_000


QUESTIONS = re.compile(
    r'(class="integra-sitting-stem"[^>]*>|class="integra-choice"><input[^>]*><span>).*?(</div>|</span>)',
    re.DOTALL,
)


class Weight(NamedTuple):
    """Bytes after gzip, and of how many files besides the markup."""

    size: int
    files: int


def weigh(page: Any) -> Weight:
    """Return the weight of a rendered view; what the platform sends by itself does not count."""
    files = [
        PUBLIC / resource.data.partition("/public/")[2]
        for resource in page.fragment.resources
        if resource.kind == "url"
    ]
    contents = [drop_questions(page.html).encode(), *(file.read_bytes() for file in files)]
    return Weight(sum(len(gzip.compress(content)) for content in contents), len(files))


def drop_questions(html: str) -> str:
    """Return the markup without the words of a sitting's questions, which docs/decisions/0010 does not weigh."""
    # A practice has the same fields, and all of it is weighed.
    return QUESTIONS.sub(r"\1\2", html) if "integra-sitting-stem" in html else html
