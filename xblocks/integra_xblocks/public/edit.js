/** The edit dialog in Studio: sends the form, shows every problem, closes when saved. */
(function () {
  "use strict";

  window.IntegraEditDialog = function (runtime, element, texts) {
    Integra.start(runtime, element, { texts: texts }, function (block) {
      const form = block.find("edit-form");
      const problem = block.find("edit-problem");
      form.addEventListener("submit", async function (event) {
        event.preventDefault();
        problem.textContent = "";
        runtime.notify("save", { state: "start", message: texts.saving });
        const reply = await block.post("studio_submit", {
          display_name: form.elements.display_name.value,
          content: form.elements.content.value,
        });
        if (reply.ok) {
          runtime.notify("save", { state: "end" });
          return;
        }
        problem.textContent = (reply.body && reply.body.message) || texts.failed;
        runtime.notify("error", { title: texts.failed, message: problem.textContent });
      });
      block.find("edit-cancel").addEventListener("click", function () {
        runtime.notify("cancel", {});
      });
    });
  };
})();
