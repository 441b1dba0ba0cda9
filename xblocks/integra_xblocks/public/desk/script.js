/** The facilitator's desk: a queue, one work at a time with its rating, and the roster on demand. */
(function () {
  "use strict";
  const RENEW_MS = 4 * 60 * 1000;

  function begin(block) {
    if (block.find("queue")) new Desk(block);
  }

  function make(tag, className, text) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text) element.textContent = text;
    return element;
  }

  function makeTime(text) {
    const element = make("time", "", text);
    element.dateTime = text;
    Integra.showTime(element);
    return element;
  }

  class Desk {
    constructor(block) {
      this.block = block;
      this.showQueue(block.args.queue, false);
      block.find("refresh").addEventListener("click", () => this.loadQueue(null));
      block.find("more").addEventListener("click", () => this.loadQueue(this.nextAfter));
      block.find("back").addEventListener("click", () => this.close());
      block.find("accept").addEventListener("click", () => this.rate("accepted"));
      block.find("return").addEventListener("click", () => this.rate("returned"));
      block.find("show-roster").addEventListener("click", () => this.loadRoster());
      block.find("show-report").addEventListener("click", () => this.loadReport());
      block.find("cohort").addEventListener("change", () => this.loadReport());
      block.find("rating").addEventListener("submit", (event) => event.preventDefault());
      block.find("rating").addEventListener("input", () => this.keep());
    }

    /** Return the answer's body, or null after telling why there is none. */
    async ask(handler, body) {
      const reply = await this.block.post(handler, body);
      if (reply.ok) return reply.body;
      if (reply.status === 0) this.block.status(this.block.readOnly ? "preview" : "needsSignal");
      else if (reply.code === "not_answered") this.block.status(reply.status < 500 ? "signedOut" : "failed");
      else this.block.say(reply.body.message);
      return null;
    }

    /** The markup is our own template's, escaped on the server; parsed apart, it runs nothing. */
    async loadReport() {
      const cohort = this.block.find("cohort");
      this.block.status("counting");
      const reply = await this.ask("show_report", { cohort_key: cohort.value || null });
      if (!reply) return;
      this.block.status("");
      if (cohort.options.length === 1) cohort.append(...reply.cohorts.map((key) => new Option(key, key)));
      this.block.find("cohort-line").hidden = reply.cohorts.length < 2;
      const page = new DOMParser().parseFromString(reply.html, "text/html");
      this.block.find("report").replaceChildren(...page.body.childNodes);
      this.block.find("report").focus();
    }

    // --- the queue ------------------------------------------------------------------------------------------------

    async loadQueue(after) {
      const queue = await this.ask("list_queue", { after: after });
      if (!queue) return;
      this.block.status("");
      this.showQueue(queue, after !== null);
    }

    showQueue(queue, isMore) {
      const list = this.block.find("rows");
      if (!isMore) list.replaceChildren();
      for (const row of queue.rows) list.append(this.describeRow(row));
      this.nextAfter = queue.next_after;
      this.block.find("more").hidden = queue.next_after === null;
      this.block.find("empty").hidden = list.children.length > 0;
      this.block.find("empty").textContent = this.block.text("empty");
      this.block.find("waiting").textContent = queue.waiting ? this.block.text("waiting", { count: queue.waiting }) : "";
    }

    describeRow(row) {
      const line = make("li", "integra-desk-row");
      const about = make("div");
      about.append(make("strong", "integra-code", row.short_code));
      about.append(make("div", "", this.block.text("work", row)));
      const note = make("div", "integra-note");
      note.append(makeTime(row.submitted_at), " · ", row.cohort_key);
      about.append(note);
      line.append(about);
      if (row.is_claimed) {
        line.append(make("span", "integra-note", this.block.text("taken")));
        return line;
      }
      if (row.is_mine) note.append(" · ", this.block.text("mine"));
      const button = make("button", "integra-button", this.block.text("read"));
      button.type = "button";
      button.append(make("span", "integra-hidden", " " + row.short_code));
      button.addEventListener("click", () => this.open(row.submission_uuid));
      line.append(button);
      return line;
    }

    // --- one work -------------------------------------------------------------------------------------------------

    async open(uuid) {
      this.block.status("opening");
      const work = await this.ask("claim_submission", { submission_uuid: uuid });
      if (!work) return;
      this.block.status("");
      this.work = work;
      this.ratingUuid = Integra.makeUuid();
      this.draft = this.block.draft("rating-" + uuid);
      this.block.find("work-title").textContent = this.block.text("work", work);
      this.block.find("work-line").replaceChildren(work.short_code, " · ", makeTime(work.submitted_at));
      this.block.find("answers").replaceChildren(...work.sections.map((one) => this.describeSection(one)), this.describeChecks(work.self_check));
      this.showRubric(work.rubric);
      this.restore();
      this.show(true);
      // The lease is short, so that a closed page sets the work free; an open one keeps it.
      this.renewal = window.setInterval(() => this.block.post("claim_submission", { submission_uuid: uuid }), RENEW_MS);
    }

    close() {
      this.show(false);
      this.loadQueue(null);
    }

    show(isWork) {
      window.clearInterval(this.renewal);
      this.block.find("work").hidden = !isWork;
      this.block.find("queue").hidden = isWork;
      this.block.find("people").hidden = isWork;
      this.block.find("results").hidden = isWork;
      this.block.find("problem").textContent = "";
      this.block.find(isWork ? "work-title" : "queue-title").focus();
    }

    describeSection(section) {
      const part = make("section", "integra-desk-section");
      part.append(make("h4", "", section.title));
      for (const answer of section.answers) {
        if (answer.kind === "table") part.append(this.describeTable(answer));
        else part.append(this.describeAnswer(answer));
      }
      return part;
    }

    describeAnswer(answer) {
      const line = make("dl", answer.kind === "computed" ? "integra-desk-answer integra-desk-total" : "integra-desk-answer");
      line.append(make("dt", "", answer.label), make("dd", "", answer.text || this.block.text("blank")));
      return line;
    }

    describeTable(answer) {
      const holder = make("div", "integra-scroll");
      holder.tabIndex = 0;
      holder.setAttribute("role", "group");
      holder.setAttribute("aria-label", answer.label);
      const table = make("table");
      const head = table.createTHead().insertRow();
      for (const label of answer.columns) {
        const cell = make("th", "", label);
        cell.scope = "col";
        head.append(cell);
      }
      const body = table.createTBody();
      for (const row of answer.rows) {
        const line = body.insertRow();
        for (const text of row) line.insertCell().textContent = text;
      }
      holder.append(table);
      return holder;
    }

    describeChecks(checks) {
      const part = make("section", "integra-desk-section");
      if (!checks.length) return part;
      part.append(make("h4", "", this.block.text("checks")));
      const list = make("ul");
      for (const check of checks) {
        list.append(make("li", "", check.text + " — " + this.block.text(check.is_ticked ? "checked" : "unchecked")));
      }
      part.append(list);
      return part;
    }

    // --- the rating -----------------------------------------------------------------------------------------------

    showRubric(rubric) {
      const zeros = rubric.criteria.filter((one) => one.must_be_positive);
      const rules = [this.block.text("rule", rubric), ...zeros.map((one) => this.block.text("ruleZero", one))];
      this.block.find("rule").textContent = rules.join(" ");
      const parts = rubric.criteria.map((criterion) => this.describeCriterion(criterion));
      this.block.find("criteria").replaceChildren(...parts, this.describeComment("", this.block.text("wholeComment")));
    }

    describeCriterion(criterion) {
      const set = make("fieldset", "integra-desk-criterion");
      set.append(make("legend", "", criterion.title));
      for (const level of criterion.levels) {
        const choice = make("label", "integra-choice");
        const radio = make("input");
        radio.type = "radio";
        radio.name = this.block.args.usage + "-" + criterion.key;
        radio.value = String(level.points);
        radio.dataset.criterion = criterion.key;
        const text = make("span", "", level.text + " ");
        text.append(make("span", "integra-note", this.block.text(level.points === 1 ? "onePoint" : "points", level)));
        choice.append(radio, text);
        set.append(choice);
      }
      set.append(this.describeComment(criterion.key, this.block.text("comment")));
      return set;
    }

    describeComment(key, label) {
      const holder = make("label", "integra-desk-comment");
      const area = make("textarea", "integra-input");
      area.rows = 2;
      area.maxLength = 1000;
      area.dataset.comment = key;
      holder.append(make("span", "integra-label", label), area);
      return holder;
    }

    radios() {
      return Array.from(this.block.root.querySelectorAll("[data-criterion]"));
    }

    comments() {
      return Array.from(this.block.root.querySelectorAll("[data-comment]"));
    }

    collect() {
      const levels = {};
      const comments = {};
      for (const radio of this.radios()) if (radio.checked) levels[radio.dataset.criterion] = Number(radio.value);
      for (const area of this.comments()) if (area.value.trim()) comments[area.dataset.comment] = area.value.trim();
      return { levels: levels, comments: comments };
    }

    keep() {
      this.draft.write(this.collect());
    }

    restore() {
      const kept = this.draft.read();
      if (!kept) return;
      for (const radio of this.radios()) radio.checked = kept.levels[radio.dataset.criterion] === Number(radio.value);
      for (const area of this.comments()) area.value = kept.comments[area.dataset.comment] || "";
    }

    async rate(outcome) {
      const rating = this.collect();
      const problem = this.block.find("problem");
      const isComplete = this.work.rubric.criteria.every((one) => one.key in rating.levels);
      problem.textContent = "";
      if (!isComplete) problem.textContent = this.block.text("chooseLevels");
      else if (outcome === "returned" && !Object.keys(rating.comments).length) problem.textContent = this.block.text("sayWhy");
      if (problem.textContent || this.isRating) return;
      this.isRating = true;
      this.block.status("saving");
      const body = { uuid: this.ratingUuid, submission_uuid: this.work.submission_uuid, outcome: outcome };
      const stored = await this.ask("rate_submission", Object.assign(body, rating));
      this.isRating = false;
      if (!stored) return; // the same uuid again: a refusal stored nothing, and a lost answer is repeated
      this.draft.remove();
      this.show(false);
      await this.loadQueue(null);
      this.block.status(stored.outcome, stored);
    }

    // --- people ---------------------------------------------------------------------------------------------------

    async loadRoster() {
      this.block.status("opening");
      const roster = await this.ask("list_roster", {});
      if (!roster) return;
      this.block.status("");
      const count = roster.rows.filter((row) => row.concerns.length).length;
      this.block.find("need-help").textContent = count ? this.block.text("needHelp", { count: count }) : "";
      const lines = roster.rows.map((row) => this.describePerson(row));
      this.block.find("roster").replaceChildren(...(lines.length ? lines : [make("li", "", this.block.text("nobody"))]));
      this.block.find("show-roster").hidden = true;
    }

    describePerson(row) {
      const line = make("li", "integra-desk-row");
      const about = make("div");
      about.append(make("strong", "integra-code", row.short_code), " ", make("span", "", row.username));
      about.append(make("div", "integra-note", row.cohort_key));
      const state = make("div", "integra-desk-state");
      state.append(make("div", "", this.block.text("units", { done: row.units_complete, total: row.units_total })));
      const words = row.is_reached ? this.block.text("reached") : row.concerns.join(", ") || this.block.text("wellUnderWay");
      state.append(make("div", row.concerns.length ? "integra-desk-concern" : "integra-note", words));
      line.append(about, state, this.describeSupport(row));
      return line;
    }

    /** What a person gets in tests; saved at once. */
    describeSupport(row) {
      const details = make("details", "integra-desk-support");
      details.append(make("summary", "", this.block.text("support")));
      for (const key of ["extra_time", "assisted"]) {
        const label = make("label", "integra-desk-grant");
        const box = make("input");
        box.type = "checkbox";
        box.value = key;
        box.checked = row.accommodations.includes(key);
        box.addEventListener("change", () => this.grant(row.short_code, details, box));
        label.append(box, " ", this.block.text(key));
        details.append(label);
      }
      details.open = row.accommodations.length > 0;
      return details;
    }

    async grant(code, details, box) {
      const wanted = Array.from(details.querySelectorAll("input")).filter((one) => one.checked);
      const body = { short_code: code, accommodations: wanted.map((one) => one.value) };
      const granted = await this.ask("set_accommodations", body);
      if (granted) this.block.status("supportSaved");
      else box.checked = !box.checked; // what is shown is what is stored
    }
  }

  window.IntegraDesk = function (runtime, element, args) {
    Integra.start(runtime, element, args, begin);
  };
})();
