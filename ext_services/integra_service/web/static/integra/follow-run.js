/** Show how far a run is every three seconds, until it has finished or cannot be asked any more. */
(() => {
  const PAUSE = 3000;
  const shown = document.querySelector("[data-run]");

  async function follow() {
    try {
      const answer = await fetch(location.href, { redirect: "error" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.querySelector("[data-run]");
      if (!answer.ok || !fresh) {
        return; // signed out meanwhile: the link below still tells
      }
      if (!fresh.querySelector("[data-open]")) {
        location.reload();
        return;
      }
      shown.replaceChildren(...fresh.childNodes);
    } catch {
      // The signal is gone for now.
    }
    setTimeout(follow, PAUSE);
  }

  setTimeout(follow, PAUSE);
})();
