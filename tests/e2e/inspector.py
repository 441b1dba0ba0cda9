"""What axe-core finds on a page, on a phone and on a desk; and whether the page is wider than the phone."""

from __future__ import annotations

from urllib.parse import urldefrag, urlsplit

from e2e.visitor import PHONE, Visitor
from playwright.sync_api import expect

DESKTOP = {"width": 1280, "height": 800}
ASK = """async () => {
    const result = await axe.run(document, { resultTypes: ["violations"] });
    return result.violations.map((found) =>
        `${found.id} (${found.impact}): ${found.nodes.map((node) => node.html.slice(0, 200)).join(" | ")}`);
}"""


class Inspector:
    """Looks at what a visitor has in front of them, and remembers what is wrong with it."""

    def __init__(self, axe: str) -> None:
        self.axe = axe
        self.findings: list[str] = []
        self.seen_count = 0

    def look(self, visitor: Visitor, name: str = "") -> None:
        page = visitor.page
        name = name or page.url
        self.seen_count += 1
        for viewport in (PHONE, DESKTOP):
            page.set_viewport_size(viewport)
            expect(page.locator("main")).to_be_visible()  # a page that is being left has nothing to measure
            width = page.evaluate("document.scrollingElement.scrollWidth")
            if width > viewport["width"]:
                self.findings.append(f"{name}: {width} px wide in {viewport['width']} px")
            page.evaluate(self.axe)
            self.findings += [f"{name} at {viewport['width']} px: {found}" for found in page.evaluate(ASK)]
        page.set_viewport_size(PHONE)

    def crawl(self, visitor: Visitor, start: str, *more: str) -> None:
        """Look at every page of the same origin that links lead to."""
        waiting, known = [start, *more], set[str]()
        while waiting:
            visitor.page.goto(waiting.pop(0))
            address = urldefrag(visitor.page.url).url
            if address in known:
                continue
            known.add(address)
            self.look(visitor)
            waiting += [link for link in list_links(visitor, known) if link not in waiting]


def list_links(visitor: Visitor, known: set[str]) -> list[str]:
    """Return the pages inside the same origin that links of this page lead to; papers and documents are none."""
    origin = "{0.scheme}://{0.netloc}/".format(urlsplit(visitor.page.url))
    links = visitor.page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
    inside = dict.fromkeys(urldefrag(link).url for link in links if link.startswith(origin))
    return [link for link in inside if link not in known and is_page(visitor, link)]


def is_page(visitor: Visitor, link: str) -> bool:
    return visitor.context.request.get(link).headers["content-type"].startswith("text/html")
