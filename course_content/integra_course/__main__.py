"""``python -m integra_course``: the same as ``integra-course``."""

import sys

from integra_course.cli import main

sys.exit(main())
