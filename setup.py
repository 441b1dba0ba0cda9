"""Package discovery only; every other piece of metadata stands in setup.cfg.

The four container folders (docs/decisions/0001-folder-layout.md) each hold distinctively named packages,
and setup.cfg's ``find:`` takes a single ``where``.
"""

from setuptools import find_packages, setup

CONTAINERS = ("xblocks", "grading", "course_content", "ext_services")

packages: list[str] = []
package_dir: dict[str, str] = {}
for container in CONTAINERS:
    for package in find_packages(container, include=["integra_*"]):
        packages.append(package)
        if "." not in package:
            package_dir[package] = f"{container}/{package}"

setup(packages=packages, package_dir=package_dir)
