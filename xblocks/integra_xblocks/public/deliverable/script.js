/**
 * A deliverable's sheet: totals as you type, also without signal; the draft on the phone at once and on the server
 * after a pause; a conflict with another tab or phone shown with both versions kept; one receipt per version.
 */
(function () {
  "use strict";
  const PHONE_PAUSE_MS = 300;
  const SERVER_PAUSE_MS = 1500;
  const RETRY_MS = 15000;
  const PLACES = { money: 2, number: 4, integer: 0 };
  // The page no longer shows what is stored.
  const STALE = ["already_accepted"];
  const Arithmetic = () => window.IntegraArithmetic;

  function begin(block) {
    const print = block.find("print");
    if (print) print.addEventListener("click", () => window.print());
    if (block.find("form")) new Sheet(block);
  }

  /** The same text for the same document, whatever order a database gives its keys. */
  function canonical(value) {
    if (Array.isArray(value)) return "[" + value.map(canonical).join(",") + "]";
    if (value === null || typeof value !== "object") return JSON.stringify(value);
    const pairs = Object.keys(value).sort();
    return "{" + pairs.map((key) => JSON.stringify(key) + ":" + canonical(value[key])).join(",") + "}";
  }

  class Sheet {
    constructor(block) {
      this.block = block;
      this.form = block.find("form");
      this.revision = block.args.revision;
      // The version handed in before is part of the name: its drafts are over.
      this.phone = block.draft("draft-" + block.args.versions);
      this.other = block.draft("other-" + block.args.versions);
      this.pending = block.draft("submit-" + block.args.versions);
      this.isDirty = false;
      this.isSaving = false;
      this.isBlocked = false;
      this.isOver = false;
      this.failures = 0;
      this.form.addEventListener("submit", (event) => event.preventDefault());
      this.showTotals();
      window.addEventListener("beforeprint", () => this.preparePaper());
      if (block.args.isEditable) this.listen();
      if (block.args.isEditable && !block.readOnly) this.takeUpDraft();
    }

    listen() {
      this.form.addEventListener("input", (event) => this.onInput(event.target));
      this.form.addEventListener("change", (event) => this.checkNumber(event.target));
      this.form.addEventListener("click", (event) => this.onClick(event.target));
      this.form.addEventListener("keydown", (event) => {
        // Enter in a field must not send the work.
        if (event.key === "Enter" && event.target.tagName === "INPUT") event.preventDefault();
      });
      this.block.find("submit").addEventListener("click", () => this.submit());
      this.block.find("cancel").addEventListener("click", () => this.cancel());
      this.block.find("keep-mine").addEventListener("click", () => this.resolve(true));
      this.block.find("take-other").addEventListener("click", () => this.resolve(false));
      this.block.find("recover").addEventListener("click", () => this.recover());
      window.addEventListener("online", () => this.resume());
      window.addEventListener("pagehide", () => this.saveNow());
      document.addEventListener("visibilitychange", () => {
        if (document.visibilityState === "hidden") this.saveNow();
        else this.resume();
      });
      this.showRecover();
    }

    // --- the document ---------------------------------------------------------------------------------------------

    input(key) {
      return this.form.querySelector('[data-field="' + key + '"]');
    }

    rows(key) {
      return Array.from(this.form.querySelectorAll('[data-table="' + key + '"] [data-integra="row"]'));
    }

    cell(row, column) {
      return row.querySelector('[data-column="' + column + '"]');
    }

    collect() {
      const values = {};
      for (const field of this.block.args.fields) {
        if (field.kind === "computed") continue;
        if (field.kind === "table") {
          values[field.key] = this.rows(field.key).map((row) => {
            const cells = {};
            for (const column of field.columns) cells[column.key] = read(this.cell(row, column.key));
            return cells;
          });
        } else {
          values[field.key] = read(this.input(field.key));
        }
      }
      const checks = Array.from(this.form.querySelectorAll("[data-check]"));
      return { values: values, self_check: checks.filter((one) => one.checked).map((one) => one.dataset.check) };
    }

    apply(found) {
      const values = found.values || {};
      for (const field of this.block.args.fields) {
        if (field.kind === "computed") continue;
        if (field.kind === "table") this.applyRows(field, values[field.key]);
        else write(this.input(field.key), values[field.key]);
      }
      for (const check of this.form.querySelectorAll("[data-check]")) {
        check.checked = (found.self_check || []).includes(check.dataset.check);
      }
      this.clearProblems();
      this.showTotals();
    }

    applyRows(field, values) {
      const wanted = Array.isArray(values) ? values : [];
      while (this.rows(field.key).length < wanted.length) this.addRow(field.key);
      this.rows(field.key).forEach((row, index) => {
        if (index > 0 && index >= wanted.length) row.remove();
        else for (const column of field.columns) write(this.cell(row, column.key), (wanted[index] || {})[column.key]);
      });
    }

    addRow(key) {
      const table = this.form.querySelector('[data-table="' + key + '"]');
      const template = table.querySelector('[data-integra="row-template"]');
      const row = template.content.firstElementChild.cloneNode(true);
      const rows = this.rows(key);
      rows[rows.length - 1].after(row);
      return row;
    }

    // --- totals ---------------------------------------------------------------------------------------------------

    showTotals() {
      const values = {};
      const columns = {};
      for (const field of this.block.args.fields) {
        if (field.kind in PLACES) values[field.key] = number(this.input(field.key));
        else if (field.kind === "table") columns[field.key] = this.readColumns(field);
        else if (field.kind === "computed") values[field.key] = this.showTotal(field, values, columns);
      }
    }

    /** Blank cells are left out, as on the server; one that cannot be read leaves the sum unknown. */
    readColumns(field) {
      const columns = {};
      for (const column of field.columns.filter((one) => one.kind in PLACES)) {
        const cells = this.rows(field.key).map((row) => this.cell(row, column.key));
        columns[column.key] = cells.filter((cell) => cell.value.trim()).map(number);
      }
      return columns;
    }

    showTotal(field, values, columns) {
      const isMet = field.needs ? Arithmetic().holds(field.needs, values, columns) : true;
      const value = isMet ? Arithmetic().calculate(field.formula, values, columns) : null;
      const output = this.form.querySelector('[data-total="' + field.key + '"]');
      const otherwise = this.form.querySelector('[data-otherwise="' + field.key + '"]');
      output.textContent = value === null ? this.block.text("none") : show(value, field.format);
      otherwise.hidden = isMet !== false || !otherwise.textContent;
      output.hidden = !otherwise.hidden;
      return value;
    }

    /** A sheet to fill in by hand has no totals yet. */
    preparePaper() {
      const inputs = Array.from(this.form.querySelectorAll("input:not([type=checkbox]), textarea"));
      const isBlank = inputs.every((input) => !input.value.trim());
      this.form.classList.toggle("integra-paper-blank", isBlank);
    }

    // --- typing ---------------------------------------------------------------------------------------------------

    onInput(input) {
      if (input.getAttribute("aria-invalid") === "true") this.mark(input, "");
      this.showTotals();
      this.touch();
    }

    onClick(target) {
      const button = target.closest("button");
      if (!button) return;
      if (button.dataset.integra === "add-row") this.addByHand(button.closest("[data-table]"));
      if (button.dataset.integra === "remove-row") this.removeByHand(button.closest('[data-integra="row"]'));
    }

    addByHand(table) {
      if (this.rows(table.dataset.table).length >= Number(table.dataset.max)) {
        this.block.status("tooMany");
        return;
      }
      this.addRow(table.dataset.table).querySelector("input").focus();
      this.touch();
    }

    removeByHand(row) {
      const table = row.closest("[data-table]");
      const rows = this.rows(table.dataset.table);
      if (rows.length === 1) for (const input of row.querySelectorAll("input")) write(input, "");
      else row.remove();
      const left = this.rows(table.dataset.table);
      left[Math.min(rows.indexOf(row), left.length - 1)].querySelector("input").focus();
      this.block.status("rowRemoved");
      this.showTotals();
      this.touch();
    }

    checkNumber(input) {
      if (!(input.dataset.kind in PLACES)) return;
      const isBad = input.value.trim() !== "" && number(input) === null;
      this.mark(input, isBad ? this.block.text("badNumber") : "");
    }

    // --- the draft ------------------------------------------------------------------------------------------------

    touch() {
      if (this.block.readOnly) return;
      this.isDirty = true;
      window.clearTimeout(this.phoneTimer);
      window.clearTimeout(this.serverTimer);
      this.phoneTimer = window.setTimeout(() => this.keep(), PHONE_PAUSE_MS);
      this.serverTimer = window.setTimeout(() => this.save(), SERVER_PAUSE_MS);
    }

    keep() {
      if (this.isOver) return;
      const kept = { document: this.collect(), revision: this.revision, posted: this.posted || null };
      const isKept = this.phone.write(kept);
      if (isKept) this.block.status(window.navigator.onLine === false ? "savedHere" : "saving");
    }

    saveNow() {
      if (!this.isDirty) return;
      this.keep();
      this.save();
    }

    /** One save at a time; what was typed meanwhile goes with the next one. */
    async save() {
      if (this.isSaving || this.isBlocked || this.isOver || !this.isDirty) return;
      this.isSaving = true;
      this.isDirty = false;
      window.clearTimeout(this.serverTimer);
      const sent = this.collect();
      this.posted = sent;
      this.keep();
      const reply = await this.block.post("save_draft", { document: sent, revision: this.revision }, { keepalive: true });
      this.isSaving = false;
      if (reply.ok) this.onSaved(reply.body.revision);
      else await this.onNotSaved(reply);
    }

    onSaved(revision) {
      this.failures = 0;
      this.revision = revision;
      if (this.isDirty) {
        this.keep();
        this.save();
        return;
      }
      this.phone.remove();
      this.block.status("draftSaved");
    }

    async onNotSaved(reply) {
      this.isDirty = true;
      if (reply.code === "draft_conflict") {
        await this.meetConflict();
      } else if (STALE.includes(reply.code)) {
        this.block.reload();
      } else if (reply.status >= 400 && reply.status < 500 && reply.code !== "not_answered") {
        this.block.say(reply.body.message);
      } else {
        this.waitFor(reply);
      }
    }

    waitFor(reply) {
      if (reply.status === 0) this.block.status("savedHere");
      else this.block.status(reply.status < 500 ? "signedOut" : "failed");
      this.failures += 1;
      window.clearTimeout(this.serverTimer);
      this.serverTimer = window.setTimeout(() => this.save(), RETRY_MS * Math.min(this.failures, 8));
    }

    resume() {
      if (this.pending.read()) this.submit();
      else this.save();
    }

    /** A page that closed before it was told leaves its draft on the phone. */
    takeUpDraft() {
      const kept = this.phone.read();
      if (this.pending.read()) {
        this.apply(this.pending.read().document);
        this.submit();
        return;
      }
      if (!kept) return;
      const here = canonical(this.collect());
      const isOurs = kept.posted && canonical(kept.posted) === here;
      if (canonical(kept.document) === here) {
        this.phone.remove();
        return;
      }
      if (!isOurs && kept.revision !== this.revision) {
        const theirs = this.collect();
        this.apply(kept.document);
        this.showConflict({ document: theirs, revision: this.revision });
        return;
      }
      this.apply(kept.document);
      this.isDirty = true;
      this.save();
    }

    // --- two tabs, two phones -------------------------------------------------------------------------------------

    async meetConflict() {
      const reply = await this.block.post("load_draft", {});
      if (!reply.ok) {
        this.waitFor(reply);
        return;
      }
      const mine = this.collect();
      if (canonical(mine) === canonical(reply.body.document)) this.onSaved(reply.body.revision);
      else this.showConflict(reply.body);
    }

    showConflict(theirs) {
      this.isBlocked = true;
      this.theirs = theirs;
      this.block.find("conflict").hidden = false;
      this.block.find("conflict-title").focus();
      this.block.status("");
    }

    resolve(isMine) {
      const mine = this.collect();
      this.other.write(isMine ? this.theirs.document : mine);
      if (!isMine) this.apply(this.theirs.document);
      this.revision = this.theirs.revision;
      this.isBlocked = false;
      this.isDirty = isMine;
      this.block.find("conflict").hidden = true;
      this.block.find("title").focus();
      if (isMine) this.saveNow();
      else this.phone.remove();
      this.showRecover();
    }

    /** Change places with the version not chosen; as often as one likes. */
    recover() {
      const other = this.other.read();
      this.other.write(this.collect());
      this.apply(other);
      this.isDirty = true;
      this.saveNow();
    }

    showRecover() {
      this.block.find("recover-line").hidden = !this.other.read();
    }

    // --- sending --------------------------------------------------------------------------------------------------

    async submit() {
      if (this.block.readOnly || this.isSubmitting || this.isBlocked) return;
      this.isSubmitting = true;
      window.clearTimeout(this.serverTimer);
      // The same version again until there is a receipt: a lost answer never makes two.
      const pending = this.pending.read() || { uuid: Integra.makeUuid(), document: this.collect() };
      this.pending.write(pending);
      this.lock(true);
      this.block.status("sending");
      const reply = await this.block.post("submit_deliverable", pending);
      this.isSubmitting = false;
      if (reply.ok || STALE.includes(reply.code)) this.finish();
      else if (reply.status >= 400 && reply.status < 500 && reply.code !== "not_answered") this.onRefused(reply.body);
      else this.waitToSend(reply);
    }

    /** Handed in: a timer or a late answer must not bring the draft back while the page goes away. */
    finish() {
      this.isOver = true;
      for (const draft of [this.pending, this.phone, this.other]) draft.remove();
      this.block.reload();
    }

    onRefused(body) {
      this.pending.remove();
      this.lock(false);
      this.block.say(body.problems ? this.block.text("look") : body.message);
      if (body.problems) this.showProblems(body.problems);
    }

    waitToSend(reply) {
      this.block.status(reply.code === "not_answered" && reply.status < 500 ? "signedOut" : "waits");
      this.block.find("cancel").hidden = false;
      window.clearTimeout(this.submitTimer);
      this.submitTimer = window.setTimeout(() => this.pending.read() && this.submit(), RETRY_MS);
    }

    cancel() {
      window.clearTimeout(this.submitTimer);
      this.pending.remove();
      this.lock(false);
      this.isDirty = true;
      this.saveNow();
    }

    lock(isLocked) {
      this.form.inert = isLocked;
      this.block.find("submit").disabled = isLocked;
      if (!isLocked) this.block.find("cancel").hidden = true;
    }

    // --- what is to mend ------------------------------------------------------------------------------------------

    clearProblems() {
      for (const input of this.form.querySelectorAll('[aria-invalid="true"]')) this.mark(input, "");
      this.block.find("summary").hidden = true;
    }

    showProblems(problems) {
      this.clearProblems();
      const list = this.block.find("summary-list");
      list.replaceChildren();
      for (const problem of problems) list.append(this.describeProblem(problem));
      const summary = this.block.find("summary");
      summary.hidden = false;
      summary.focus();
    }

    describeProblem(problem) {
      const [key, column] = problem.field.split(".");
      const row = this.rows(key)[problem.row === null ? 0 : problem.row];
      const input = row ? (column ? this.cell(row, column) : row.querySelector("input")) : this.input(key);
      const line = document.createElement("li");
      if (!input) {
        line.textContent = problem.message;
        return line;
      }
      this.mark(input, problem.message);
      const name = column || !row ? labelOf(input) : input.closest("[data-table]").getAttribute("aria-label");
      const where = [name, problem.row === null ? "" : this.block.text("row", { row: problem.row + 1 })];
      const button = document.createElement("button");
      button.type = "button";
      button.className = "integra-deliverable-jump";
      button.textContent = where.filter(Boolean).join(", ") + " — " + problem.message;
      button.addEventListener("click", () => input.focus());
      line.append(button);
      return line;
    }

    mark(input, message) {
      const holder = input.closest('[data-integra="row"], .integra-deliverable-field');
      const line = holder && holder.querySelector('[data-integra="problem"]');
      if (message) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
      if (!line) return;
      line.textContent = message;
      if (!line.id) line.id = "integra-problem-" + Integra.makeUuid();
      if (message) input.setAttribute("aria-describedby", line.id);
      else input.removeAttribute("aria-describedby");
    }
  }

  function read(input) {
    return input.type === "checkbox" ? input.checked : input.value;
  }

  function write(input, value) {
    if (input.type === "checkbox") input.checked = value === true;
    else input.value = typeof value === "string" ? value : "";
  }

  function number(input) {
    return Arithmetic().parse(input.value, { places: PLACES[input.dataset.kind], negative: false });
  }

  function show(value, format) {
    if (format === "money") return "$ " + Arithmetic().format(value, 2);
    const whole = Arithmetic().format(value, 0);
    const exact = Arithmetic().format(value, 2);
    return exact === whole + ",00" ? whole : exact;
  }

  function labelOf(input) {
    const label = input.labels && input.labels[0];
    const text = label && (label.querySelector("span") || label).firstChild;
    return text ? text.textContent.trim() : "";
  }

  window.IntegraDeliverable = function (runtime, element, args) {
    Integra.start(runtime, element, args, begin);
  };
})();
