/**
 * A test on paper, for facilitators: the list of people, a sheet to print, and the same sheet to type in. What was
 * typed stays on this phone until it is stored.
 */
(function () {
  "use strict";

  const STATES = { "": "paperNone", open: "paperOpen", paper: "paperOut", submitted: "paperDone" };

  function make(tag, className, text) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.textContent = text;
    return element;
  }

  class Papers {
    constructor(block) {
      this.block = block;
      block.find("paper-list").addEventListener("click", () => this.list());
      block.find("paper-back").addEventListener("click", () => this.list());
      block.find("paper-print").addEventListener("click", () => this.print());
      block.find("paper-take-back").addEventListener("click", () => this.takeBack());
      block.find("paper-submit").addEventListener("click", () => this.submit());
    }

    say(sentence) {
      this.block.find("paper-status").textContent = sentence;
    }

    /** Return the answer's body, or null after telling why there is none. */
    async ask(handler, body) {
      const reply = await this.block.post(handler, body);
      if (reply.ok) return reply.body;
      if (reply.status === 0) this.say(this.block.text("paperNeedsSignal"));
      else if (reply.code === "not_answered") this.say(this.block.text(reply.status < 500 ? "signedOut" : "failed"));
      else this.refuse(reply.body);
      return null;
    }

    /** A refusal that names a question is shown there. */
    refuse(body) {
      const item = (this.items || []).find((one) => one.key === body.field);
      this.say(body.message);
      if (!item) return;
      item.problem.textContent = body.message;
      item.section.scrollIntoView({ block: "center" });
    }

    async list() {
      const reply = await this.ask("list_papers", {});
      if (!reply) return;
      this.say(reply.rows.length ? "" : this.block.text("paperNobody"));
      this.block.find("paper-work").hidden = true;
      this.block.find("paper-rows").replaceChildren(...reply.rows.map((row) => this.describe(row)));
    }

    describe(row) {
      const line = make("li", "integra-paper-row", "");
      const about = make("div", "", "");
      const state = make("div", "integra-note", this.block.text(STATES[row.state]));
      about.append(make("strong", "", row.short_code), " ", make("span", "", row.username), state);
      line.append(about);
      if (row.may_have_sheet) {
        const button = make("button", "integra-button", this.block.text("paperMake"));
        button.type = "button";
        button.addEventListener("click", () => this.open(row.short_code));
        line.append(button);
      }
      return line;
    }

    async open(code) {
      const started = await this.ask("start_paper", { uuid: Integra.makeUuid(), short_code: code });
      if (!started) return;
      this.say("");
      this.code = code;
      this.attempt = started.attempt_uuid;
      this.page = started.page;
      this.isWarned = false;
      this.draft = this.block.draft("paper-" + this.attempt);
      // Our own template's markup, escaped on the server; parsed apart, it runs nothing.
      const sheet = this.block.find("paper-sheet");
      const page = new DOMParser().parseFromString(started.page, "text/html");
      sheet.replaceChildren(...page.querySelector("main").childNodes);
      this.items = Array.from(sheet.querySelectorAll('[data-integra="paper-item"]')).map((section) => ({
        key: section.dataset.key,
        section: section,
        problem: section.querySelector('[data-integra="paper-problem"]'),
        fields: Integra.fields(section.querySelector('[data-integra="fields"]'), () => this.keep()),
      }));
      const kept = this.draft.read() || {};
      for (const item of this.items) if (kept[item.key]) item.fields.show(kept[item.key]);
      this.block.find("paper-rows").replaceChildren();
      this.block.find("paper-work").hidden = false;
      sheet.focus();
    }

    collect() {
      const filled = this.items.map((item) => [item.key, item.fields.read()]).filter((pair) => pair[1]);
      return Object.fromEntries(filled);
    }

    keep() {
      this.isWarned = false;
      this.draft.write(this.collect());
    }

    /** Apart from the platform's page, so that the sheet is all there is on the paper. */
    print() {
      const frame = make("iframe", "integra-hidden", "");
      frame.addEventListener("load", () => {
        frame.contentWindow.addEventListener("afterprint", () => frame.remove());
        frame.contentWindow.print();
      });
      frame.sandbox = "allow-same-origin allow-modals"; // it may print, and run nothing
      frame.srcdoc = this.page;
      this.block.root.append(frame);
    }

    async takeBack() {
      if (!window.confirm(this.block.text("paperTakeBack"))) return;
      const body = { short_code: this.code, attempt_uuid: this.attempt };
      if (!(await this.ask("take_back_paper", body))) return;
      this.draft.remove();
      await this.list();
      this.say(this.block.text("paperTakenBack"));
    }

    async submit() {
      const responses = this.collect();
      const missing = this.items.length - Object.keys(responses).length;
      for (const item of this.items) item.problem.textContent = "";
      if (missing && !this.isWarned) {
        this.isWarned = true;
        this.say(this.block.text("paperMissing", { count: missing, total: this.items.length }));
        return;
      }
      const button = this.block.find("paper-submit");
      const body = { short_code: this.code, attempt_uuid: this.attempt, responses: responses };
      button.disabled = true;
      const stored = await this.ask("submit_paper", body);
      button.disabled = false;
      if (!stored) return;
      this.draft.remove();
      await this.list();
      this.say(this.block.text("paperStored"));
    }
  }

  window.IntegraPapers = function (block) {
    new Papers(block);
  };
})();
