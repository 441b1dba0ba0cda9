/** Practice: sends tries, shows feedback as text, keeps tries made without signal and shows them later. */
(function () {
  "use strict";

  window.IntegraPractice = function (runtime, element, args) {
    Integra.start(runtime, element, args, function (block) {
      const forms = block.findAll("item");
      const queue = block.queue("answers", "answer", {
        onReceipt: (sent, reply) => showResult(block, forms, reply),
        onRefused: (sent, reply) => showRefusal(block, forms, sent, reply),
        onWaiting: (sent) => showWaiting(block, forms, sent),
      });
      for (const form of forms) listen(block, form, queue);
      for (const entry of queue.entries) showWaiting(block, forms, entry);
      if (!args.showsAll) stepThrough(block, forms);
      beginReviews(block);
    });
  };

  /** What comes back from earlier practices: the same fields, a queue of its own, and no part in the progress. */
  function beginReviews(block) {
    const forms = block.findAll("review");
    const queue = block.queue("reviews", "answer_review", {
      onReceipt: (sent, reply) => showVerdict(block, findForm(forms, reply.item_key), reply),
      onRefused: (sent, reply) => showRefusal(block, forms, sent, reply),
      onWaiting: (sent) => showWaiting(block, forms, sent),
    });
    for (const form of forms) listen(block, form, queue);
    for (const entry of queue.entries) showWaiting(block, forms, entry);
  }

  function showVerdict(block, form, reply) {
    if (!form) return;
    say(form, block.text(reply.is_right ? "right" : "notYet"), reply.is_right ? "right" : "wrong", reply.feedback);
    findIn(form, "check").disabled = false;
  }

  function findForm(forms, key) {
    return forms.find((form) => form.dataset.item === key);
  }

  function findIn(form, role) {
    return form.querySelector('[data-integra="' + role + '"]');
  }

  function listen(block, form, queue) {
    form.fields = Integra.fields(findIn(form, "fields"), () => {
      findIn(form, "check").disabled = Boolean(block.readOnly);
    });
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      const response = form.fields.read();
      if (!response || !form.fields.isComplete()) {
        say(form, block.text(response ? "incomplete" : "choose"), "empty");
        return;
      }
      say(form, block.text("checking"), "");
      findIn(form, "check").disabled = true;
      queue.replace((entry) => entry.item_key === form.dataset.item, {
        item_key: form.dataset.item,
        response: response,
      });
    });
  }

  function showWaiting(block, forms, sent) {
    const form = findForm(forms, sent.item_key);
    if (!form) return;
    if (!form.fields.read()) form.fields.show(sent.response);
    say(form, block.text("waiting"), "waiting");
  }

  function showResult(block, forms, reply) {
    showVerdict(block, findForm(forms, reply.item_key), reply);
    for (const each of forms) {
      const isRight = reply.items_right.includes(each.dataset.item);
      findIn(each, "tick").hidden = !isRight;
      each.toggleAttribute("data-right", isRight);
    }
    const done = reply.items_right.length;
    block.find("bar").value = done;
    block.find("progress").textContent = block.text("progress", { done: done, total: forms.length });
    block.find("complete").textContent = reply.is_complete ? block.text("complete") : "";
    block.status("");
  }

  function showRefusal(block, forms, sent, reply) {
    const form = findForm(forms, sent.item_key);
    if (!form) return;
    say(form, reply.message, "empty");
    findIn(form, "check").disabled = false;
  }

  /** What is said of a try, and below it why. */
  function say(form, verdict, state, why) {
    const line = findIn(form, "feedback");
    const first = document.createElement("strong");
    first.textContent = verdict;
    line.replaceChildren(first, ...(why ? [document.createElement("br"), why] : []));
    line.dataset.state = state;
  }

  /** One item at a time, beginning with the first that is not done yet. */
  function stepThrough(block, forms) {
    const steps = block.find("steps");
    if (!steps) return;
    let current = Math.max(0, forms.findIndex((form) => !form.hasAttribute("data-right")));
    function show(index, hasFocus) {
      current = index;
      forms.forEach((form, position) => (form.hidden = position !== index));
      block.find("previous").disabled = index === 0;
      block.find("following").disabled = index === forms.length - 1;
      if (hasFocus) forms[index].querySelector("h3").focus();
    }
    block.find("previous").addEventListener("click", () => show(current - 1, true));
    block.find("following").addEventListener("click", () => show(current + 1, true));
    steps.hidden = false;
    show(current, false);
  }
})();
