/** "Mi certificado": asks the bridge for a signed link and follows it; nothing else happens here. */
(function () {
  "use strict";

  const HANDOVER = "/api/integra/v1/handover";

  window.IntegraRecord = function (runtime, element, args) {
    Integra.start(runtime, element, args, function (block) {
      const button = block.find("handover");
      if (!button) return; // the record could not be read
      button.addEventListener("click", async function () {
        button.disabled = true;
        block.status("opening");
        const reply = await Integra.postJson(HANDOVER, { course_key: args.course });
        button.disabled = false;
        if (reply.ok && isWebAddress(reply.body.url)) follow(block, reply.body.url);
        else if (reply.status === 0) block.status("noSignal");
        else if (reply.body && reply.body.message) block.say(reply.body.message, "refused");
        else block.status("notNow");
      });
    });
  };

  function isWebAddress(url) {
    return typeof url === "string" && /^https?:\/\//.test(url);
  }

  /** The unit stands in a frame of the course's page: the service opens over the whole window. */
  function follow(block, url) {
    const link = block.find("handover-link");
    link.href = url;
    link.textContent = block.text("open");
    block.find("handover-way").hidden = false;
    block.status("opened");
    window.open(url, "_top");
  }
})();
