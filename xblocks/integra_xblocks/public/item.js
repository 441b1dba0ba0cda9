/**
 * The fields of one item, kind by kind; practice and sittings use the same.
 *
 * Integra.fields(root, onChange) → {
 *   key                the item
 *   read()             the response on the wire, or null while nothing is answered
 *   isComplete()       whether every row, cell or option that needs an answer has one
 *   show(response)     puts a response into the fields
 * }
 * onChange(isTyping) is called after every change; isTyping: a key was pressed and more may come.
 */
(function () {
  "use strict";
  if (!window.Integra || Integra.fields) return;
  const UNKNOWN = "no_lo_se";

  const all = (root, role) => Array.from(root.querySelectorAll('[data-integra="' + role + '"]'));

  /** Texts by key, empty ones left out; null when all are empty. */
  function collect(inputs) {
    const filled = inputs.filter((input) => input.value.trim());
    return filled.length ? Object.fromEntries(filled.map((input) => [input.dataset.value, input.value.trim()])) : null;
  }

  function spread(inputs, values) {
    for (const input of inputs) input.value = (values || {})[input.dataset.value] || "";
  }

  const isFull = (inputs) => inputs.every((input) => input.value.trim());

  /** What each kind reads, shows and needs. */
  const KINDS = {
    single(root) {
      const radios = Array.from(root.querySelectorAll("input[type=radio]"));
      const chosen = () => radios.find((radio) => radio.checked);
      return {
        read: () => (chosen() ? { option: chosen().value } : null),
        show: (response) => radios.forEach((radio) => (radio.checked = radio.value === response.option)),
        isComplete: () => Boolean(chosen()),
      };
    },
    multiple(root) {
      const marks = all(root, "mark");
      const read = () => marks.filter((mark) => mark.checked).map((mark) => mark.value);
      return {
        read: () => (read().length ? { options: read() } : null),
        show: (response) => marks.forEach((mark) => (mark.checked = (response.options || []).includes(mark.value))),
        isComplete: () => read().length > 0,
      };
    },
    numeric(root) {
      const [input] = all(root, "number");
      return {
        read: () => (input.value.trim() ? { number: input.value.trim() } : null),
        show: (response) => (input.value = response.number || ""),
        isComplete: () => Boolean(input.value.trim()),
      };
    },
    matching(root) {
      const pairs = all(root, "pair");
      return {
        read: () => collect(pairs) && { pairs: collect(pairs) },
        show: (response) => spread(pairs, response.pairs),
        isComplete: () => isFull(pairs),
      };
    },
    grid(root) {
      const cells = all(root, "cell");
      return {
        read: () => collect(cells) && { cells: collect(cells) },
        show: (response) => spread(cells, response.cells),
        isComplete: () => isFull(cells),
      };
    },
    /** Untouched it is no answer; the order shown first is never the right one. */
    ordering(root, onChange) {
      const [list] = all(root, "steps-list");
      const [said] = all(root, "moved");
      const steps = () => Array.from(list.children);
      const arrange = () =>
        steps().forEach((step, place) => {
          step.querySelector('[data-move="-1"]').disabled = place === 0;
          step.querySelector('[data-move="1"]').disabled = place === list.children.length - 1;
        });
      list.addEventListener("click", (event) => {
        const button = event.target.closest("[data-move]");
        if (!button) return;
        const step = button.closest("li");
        if (button.dataset.move === "1") step.nextElementSibling.after(step);
        else step.previousElementSibling.before(step);
        root.dataset.touched = "";
        arrange();
        // At an end the button pressed is switched off: the other one keeps the focus.
        (button.disabled ? step.querySelector("[data-move]:not(:disabled)") : button).focus();
        said.textContent = steps().indexOf(step) + 1 + " / " + list.children.length;
        onChange(false);
      });
      arrange();
      return {
        read: () => ("touched" in root.dataset ? { order: steps().map((step) => step.dataset.value) } : null),
        show: (response) => {
          if (!response.order) return delete root.dataset.touched;
          root.dataset.touched = "";
          for (const key of response.order) list.append(steps().find((step) => step.dataset.value === key) || "");
          arrange();
        },
        isComplete: () => "touched" in root.dataset,
      };
    },
  };

  Integra.fields = function (root, onChange) {
    const [unknown] = all(root, "unknown");
    const changed = (isTyping) => {
      if (unknown) unknown.checked = false;
      onChange(isTyping);
    };
    const kind = KINDS[root.dataset.kind](root, changed);
    root.addEventListener("input", (event) => {
      if (event.target.type === "text") changed(true);
    });
    root.addEventListener("change", (event) => {
      if (event.target !== unknown) return changed(false);
      if (unknown.checked) kind.show({});
      onChange(false);
    });
    const isUnknown = () => Boolean(unknown && unknown.checked);
    return {
      key: root.dataset.key,
      read: () => (isUnknown() ? { option: UNKNOWN } : kind.read()),
      isComplete: () => isUnknown() || kind.isComplete(),
      show: (response) => {
        kind.show(response);
        if (unknown) unknown.checked = response.option === UNKNOWN;
      },
    };
  };
})();
