/** Start every block of the page, as the LMS's own runtime does: window[init](runtime, element, args). */
(function () {
  "use strict";

  function argumentsOf(element) {
    const script = element.querySelector(":scope > .xblock_json_init_args");
    return script ? JSON.parse(script.textContent) : undefined;
  }

  const runtime = {
    handlerUrl(element, name, suffix = "", query = "") {
      const root = element.jquery ? element[0] : element;
      const usage = root.closest("[data-usage-id]").dataset.usageId;
      const url = `/bloque/${encodeURIComponent(usage)}/${encodeURIComponent(name)}/${encodeURIComponent(suffix)}`;
      return query ? `${url}?${query}` : url;
    },
    notify() {},
  };

  for (const element of document.querySelectorAll("[data-usage-id][data-init]")) {
    const start = window[element.dataset.init];
    try {
      new start(runtime, element, argumentsOf(element));
    } catch (error) {
      // One block's fault must not stop the others of the page.
      console.error(element.dataset.usageId, error);
    }
  }
})();
