/**
 * The edit dialog in Studio. The text (YAML) is what is saved; the form is filled from its values and writes them
 * back when it is left. What the form offers comes from the server (item_form.py): no kind of question is known here.
 */
(function () {
  "use strict";

  window.IntegraEditDialog = function (runtime, element, args) {
    Integra.start(runtime, element, args, (block) => begin(block, runtime, args.form || {}));
  };

  function begin(block, runtime, spec) {
    const form = block.find("edit-form");
    const content = form.elements.content;
    const items = spec.kinds ? makeItems(block, spec) : null;
    let view = "text";
    let isBusy = false;
    let running = Promise.resolve();
    let isSaveDue = false;

    /** One thing at a time: what is written or clicked while the server is asked would be lost or done twice. */
    function alone(act) {
      return async (...given) => {
        if (isBusy) return;
        setBusy(true);
        try {
          running = act(...given);
          await running;
        } finally {
          setBusy(false);
        }
      };
    }

    function setBusy(busy) {
      isBusy = busy;
      for (const panel of block.findAll("edit-view")) panel.inert = busy;
    }

    function say(sentence, state) {
      const line = block.find("edit-state");
      line.textContent = sentence || "";
      line.dataset.state = state || "";
    }

    function showProblems(problems) {
      const list = block.find("edit-problems");
      list.hidden = !problems.length;
      list.replaceChildren(
        ...problems.map((problem) => {
          const sentence = block.text("line", { line: problem.line, sentence: problem.sentence });
          const go = button(sentence, "integra-edit-go", () => {
            show("text");
            selectLine(content, problem.line);
          });
          return make("li", {}, [go]);
        }),
      );
    }

    /** Bring the text up to date with the form; false when that failed and nothing may go on. */
    async function settle() {
      if (view !== "form") return true;
      const reply = await block.post("studio_write", { values: items.read() });
      if (!reply.ok) {
        say((reply.body && reply.body.message) || block.text("noSignal"), "bad");
        return false;
      }
      content.value = reply.body.content;
      return true;
    }

    /** Ask the server what it thinks of the text; null when it did not answer. */
    async function check() {
      say(block.text("checking"));
      const reply = await block.post("studio_check", { content: content.value });
      if (!reply.ok) {
        say((reply.body && reply.body.message) || block.text("noSignal"), "bad");
        return null;
      }
      showProblems(reply.body.problems);
      const notices = reply.body.notices.join(" ");
      say(reply.body.problems.length ? "" : notices || block.text("good"), notices ? "notice" : "good");
      return reply.body;
    }

    function show(name) {
      view = name;
      for (const tab of block.findAll("edit-tab")) {
        tab.setAttribute("aria-selected", String(tab.dataset.view === name));
      }
      for (const panel of block.findAll("edit-view")) panel.hidden = panel.dataset.view !== name;
    }

    async function open(name) {
      if (name === view || !(await settle())) return;
      if (name === "text") {
        show(name);
        return;
      }
      const checked = await check();
      if (!checked) return;
      if (name === "form") {
        if (!items.fill(checked.values)) {
          say(block.text("unreadable"), "bad");
          show("text");
          return;
        }
      } else if (checked.preview) {
        block.find("edit-page").srcdoc = checked.preview;
      } else {
        show("text");
        return;
      }
      show(name);
    }

    async function save() {
      if (!(await settle())) return;
      runtime.notify("save", { state: "start", message: block.text("saving") });
      const reply = await block.post("studio_submit", {
        display_name: form.elements.display_name.value,
        content: content.value,
      });
      if (reply.ok) {
        runtime.notify("save", { state: "end" });
        return;
      }
      const message = (reply.body && reply.body.message) || block.text("noSignal");
      showProblems((reply.body && reply.body.problems) || []);
      say(block.text("failed") + " " + (reply.body && reply.body.problems ? "" : message), "bad");
      runtime.notify("error", { title: block.text("failed"), message: message });
    }

    const openAlone = alone(open);
    const saveAlone = alone(save);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (isSaveDue) return;
      isSaveDue = true;
      try {
        // Pressed while the text is being checked, it waits: a save must not be lost.
        await running;
        await saveAlone();
      } finally {
        isSaveDue = false;
      }
    });
    for (const tab of block.findAll("edit-tab")) tab.addEventListener("click", () => openAlone(tab.dataset.view));
    const checkAlone = alone(async () => {
      say(block.text("checking"));
      if (await settle()) await check();
    });
    block.find("edit-check").addEventListener("click", () => checkAlone());
    block.find("edit-cancel").addEventListener("click", () => runtime.notify("cancel", {}));
    if (items) openAlone("form");
  }

  // --- the questions -------------------------------------------------------------------------------------

  /** The list of questions: fill(values) draws it, read() returns the values with what was written. */
  function makeItems(block, spec) {
    const holder = block.find("edit-items");
    const select = block.find("edit-kind");
    select.replaceChildren(...spec.kinds.map((kind) => make("option", { value: kind.kind }, [kind.label])));
    let values = {};
    let cards = [];

    function draw() {
      holder.replaceChildren(...cards.map((card) => card.element));
    }

    function addCard(item, isNew) {
      const card = makeCard(block, spec, item, isNew, {
        move: (step) => {
          const place = cards.indexOf(card);
          const other = place + step;
          if (other < 0 || other >= cards.length) return;
          cards.splice(place, 1);
          cards.splice(other, 0, card);
          draw();
        },
        remove: () => {
          if (!isNew && !window.confirm(block.text("removeItem"))) return;
          cards = cards.filter((each) => each !== card);
          draw();
        },
        copy: () => {
          const copied = addCard({ ...card.read(), key: nextKey(cards.map((each) => each.read().key)) }, true);
          cards.splice(cards.indexOf(card) + 1, 0, copied);
          draw();
          copied.element.open = true;
        },
      });
      return card;
    }

    block.find("edit-add").addEventListener("click", () => {
      const keys = cards.map((card) => card.read().key);
      const card = addCard({ key: nextKey(keys), kind: select.value }, true);
      cards.push(card);
      draw();
      card.element.open = true;
      card.element.querySelector("summary").focus();
    });

    return {
      fill(filled) {
        const found = filled && filled[spec.name];
        const isKnown = (item) => item && spec.kinds.some((kind) => kind.kind === item.kind);
        if (!Array.isArray(found) || !found.every(isKnown)) return false;
        values = filled;
        cards = found.map((item) => addCard(item, false));
        draw();
        return true;
      },
      read: () => ({ ...values, [spec.name]: cards.map((card) => card.read()) }),
    };
  }

  /** One question: closed it is a line, open it is its form. */
  function makeCard(block, spec, item, isNew, actions) {
    const kind = spec.kinds.find((each) => each.kind === item.kind);
    const title = make("summary", {}, []);
    const body = make("div", { className: "integra-edit-body" }, []);
    const element = make("details", { className: "integra-edit-item" }, [title, body]);
    let group = null;

    function read() {
      return group ? group.read() : item;
    }

    function showTitle() {
      const current = read();
      const place = current.form || current.stratum || "";
      const text = plainText(current.stem) || block.text("newQuestion");
      title.textContent = [current.key, place, kind.label, text].filter(Boolean).join(" · ");
    }

    element.addEventListener("toggle", () => {
      if (element.open && !group) {
        group = makeGroup(block, kind.fields, item, isNew);
        const row = [
          button(block.text("up"), "integra-button", () => actions.move(-1)),
          button(block.text("down"), "integra-button", () => actions.move(1)),
          button(block.text("copy"), "integra-button", actions.copy),
          button(block.text("remove"), "integra-button", actions.remove),
        ];
        body.append(group.element, make("p", { className: "integra-row" }, row));
      }
      showTitle();
    });
    showTitle();
    return { element: element, read: read };
  }

  // --- fields --------------------------------------------------------------------------------------------

  let fieldCount = 0;

  /** Fields below each other; read() returns what ``value`` was, with what was written and without what is empty. */
  function makeGroup(block, fields, value, isNew) {
    const parts = fields.map((field) => ({
      field: field,
      control: makeField(block, field, (value || {})[field.name], isNew),
    }));
    return {
      element: make("div", { className: "integra-edit-fields" }, parts.map((part) => part.control.element)),
      read() {
        const read = { ...(value || {}) };
        for (const part of parts) {
          const written = part.control.read();
          if (isEmpty(written)) delete read[part.field.name];
          else read[part.field.name] = written;
        }
        return read;
      },
    };
  }

  function makeField(block, field, value, isNew) {
    if (field.kind === "group") return makeFieldset(field, makeGroup(block, field.fields, value, isNew));
    if (field.kind === "list") return makeFieldset(field, makeList(block, field, value || [], isNew));
    fieldCount += 1;
    const id = "integra-edit-field-" + fieldCount;
    if (field.kind === "flag") {
      const box = make("input", { type: "checkbox", id: id, checked: value === true }, []);
      const label = make("label", { htmlFor: id, className: "integra-edit-flag" }, [box, field.label]);
      return { element: label, read: () => box.checked };
    }
    const isLong = field.kind === "text";
    const input = make(isLong ? "textarea" : "input", { id: id, className: "integra-input" }, []);
    if (isLong) input.rows = 2;
    input.value = value === undefined ? "" : String(value);
    input.readOnly = field.kind === "key" && value !== undefined && !isNew;
    const note = field.note && input.readOnly ? block.text("keyStays") : field.note;
    const inside = [make("label", { htmlFor: id, className: "integra-label" }, [field.label]), input];
    if (field.choices) {
      input.setAttribute("list", id + "-list");
      const options = field.choices.map(([word, label]) => make("option", { value: word }, [label]));
      inside.push(make("datalist", { id: id + "-list" }, options));
    }
    if (note) {
      inside.push(make("p", { id: id + "-note", className: "integra-note" }, [note]));
      input.setAttribute("aria-describedby", id + "-note");
    }
    const shown = input.value.trim();
    // What nobody changed stays as it was, spaces and type included: a question's digest hangs on it.
    const read = () => (value !== undefined && input.value.trim() === shown ? value : input.value.trim());
    return { element: make("div", { className: "integra-edit-field" }, inside), read: read };
  }

  function makeFieldset(field, inner) {
    const legend = make("legend", {}, [field.label]);
    const note = field.note ? [make("p", { className: "integra-note" }, [field.note])] : [];
    const element = make("fieldset", { className: "integra-edit-set" }, [legend, ...note, inner.element]);
    return { element: element, read: inner.read };
  }

  /** Rows of the same fields, which may be added, moved and removed. */
  function makeList(block, field, values, isNew) {
    const holder = make("div", {}, []);
    let rows = [];

    function draw() {
      holder.replaceChildren(...rows.map((row) => row.element));
    }

    function addRow(value, isNewRow) {
      const group = makeGroup(block, field.fields, value, isNewRow);
      const row = { read: group.read };
      const move = (step) => {
        const place = rows.indexOf(row);
        const other = place + step;
        if (other < 0 || other >= rows.length) return;
        rows.splice(place, 1);
        rows.splice(other, 0, row);
        draw();
      };
      const buttons = [
        button("↑", "integra-button", () => move(-1), block.text("up")),
        button("↓", "integra-button", () => move(1), block.text("down")),
        button("✕", "integra-button", () => {
          rows = rows.filter((each) => each !== row);
          draw();
        }, block.text("remove")),
      ];
      const side = make("span", { className: "integra-edit-moves" }, buttons);
      row.element = make("div", { className: "integra-edit-row" }, [group.element, side]);
      rows.push(row);
    }

    for (const value of values) addRow(value, isNew);
    draw();
    const hasKey = field.fields.some((each) => each.kind === "key");
    const add = button(block.text("add"), "integra-button", () => {
      const keys = rows.map((row) => row.read().key);
      addRow(hasKey ? { key: field.isMixed ? randomKey(keys) : nextKey(keys) } : {}, true);
      draw();
    });
    return { element: make("div", {}, [holder, add]), read: () => rows.map((row) => row.read()) };
  }

  // --- small things --------------------------------------------------------------------------------------

  /** Return a key that is free: the letter after the last one, or the last key with the next free number. */
  function nextKey(keys) {
    const known = keys.filter(Boolean);
    const last = known[known.length - 1] || "";
    if (!known.length || /^[a-y]$/.test(last)) {
      const letter = known.length ? String.fromCharCode(last.charCodeAt(0) + 1) : "a";
      if (!known.includes(letter)) return letter;
    }
    const base = last.replace(/\d+$/, "");
    let number = Number((last.match(/\d+$/) || ["0"])[0]);
    do number += 1;
    while (known.includes(base + number));
    return base + number;
  }

  /** Steps come in the right order: keys in order would tell it to whoever reads the page. */
  function randomKey(keys) {
    const key = "p" + Integra.makeUuid().slice(0, 4);
    return keys.includes(key) ? randomKey(keys) : key;
  }

  function isEmpty(value) {
    if (value === "" || value === false || value === undefined) return true;
    if (Array.isArray(value)) return value.length === 0;
    return typeof value === "object" && Object.keys(value).length === 0;
  }

  function plainText(html) {
    const text = new DOMParser().parseFromString(String(html || ""), "text/html").body.textContent.trim();
    return text.length > 70 ? text.slice(0, 69) + "…" : text;
  }

  function selectLine(textarea, line) {
    const lines = textarea.value.split("\n");
    const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    textarea.focus();
    textarea.setSelectionRange(start, start + (lines[line - 1] || "").length);
    textarea.scrollTop = Math.max(0, (line - 4) * (textarea.scrollHeight / lines.length));
  }

  function make(tag, properties, children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  function button(text, className, act, label) {
    const made = make("button", { type: "button", className: className, onclick: act }, [text]);
    if (label) made.setAttribute("aria-label", label);
    return made;
  }
})();
