/**
 * A sitting of a test or of a module's evaluation: one question per screen, each answer saved as it is given, the
 * server's clock, a last look before sending. Questions stand in the page only; the phone keeps answers and nothing
 * else.
 */
(function () {
  "use strict";
  const TYPING_PAUSE_MS = 900;
  const RETRY_MS = 15000;
  const SPOKEN_MINUTES = [5, 1];
  // After these the page shown is no longer the truth: the server's view of the attempt is loaded again.
  const STALE = ["attempt_closed", "attempt_unknown"];

  function begin(block) {
    const start = block.find("start");
    if (start) start.addEventListener("click", () => startAttempt(block, start));
    if (block.find("form")) new Sitting(block);
    if (block.find("papers")) window.IntegraPapers(block);
  }

  async function startAttempt(block, button) {
    // Kept until there is an answer, so that a second press after a lost one starts nothing twice.
    const draft = block.draft("start");
    const uuid = draft.read() || Integra.makeUuid();
    draft.write(uuid);
    button.disabled = true;
    block.status("starting");
    const reply = await block.post("start_attempt", { uuid: uuid });
    if (reply.ok) {
      draft.remove();
      block.reload();
      return;
    }
    if (reply.status >= 400 && reply.status < 500 && reply.code !== "not_answered") draft.remove();
    button.disabled = false;
    showFailure(block, reply, "startNeedsSignal");
  }

  function showFailure(block, reply, offlineText) {
    if (reply.status === 0) block.status(offlineText);
    else if (reply.code === "not_answered") block.status(reply.status < 500 ? "signedOut" : "failed");
    else block.say(reply.body.message);
  }

  class Sitting {
    constructor(block) {
      this.block = block;
      this.attempt = block.args.attempt;
      this.items = block.findAll("item").map((section) => this.readItem(section));
      this.jumps = block.findAll("jump");
      this.states = block.findAll("jump-state");
      this.received = block.args.received;
      this.draft = block.draft("send-" + this.attempt);
      this.isWished = this.draft.read() === true;
      this.queue = block.queue("answers-" + this.attempt, "save_response", {
        onReceipt: (entry, body) => this.onReceipt(entry, body),
        onRefused: (entry, body) => this.onRefused(entry, body),
      });
      // What waits on the phone is newer than what the server wrote into the page.
      for (const entry of this.queue.entries) this.showResponse(entry.item_key, entry.response);
      this.listen();
      const first = this.items.findIndex((item) => !item.fields.isComplete());
      this.show(first === -1 ? this.items.length : first, false);
      this.startClock();
      if (this.isWished) this.submit();
    }

    /** Remember that the learner pressed "send"; on the phone as well, for a page that closes before the signal. */
    setWish(isWished) {
      this.isWished = isWished;
      if (isWished) this.draft.write(true);
      else this.draft.remove();
    }

    readItem(section) {
      const one = (role) => section.querySelector('[data-integra="' + role + '"]');
      const item = { key: section.dataset.key, section, heading: one("heading"), problem: one("problem"), timer: 0 };
      item.fields = Integra.fields(one("fields"), (isTyping) => this.onChange(item, isTyping));
      return item;
    }

    /** Typing is saved after a pause, everything else at once. */
    onChange(item, isTyping) {
      item.isTouched = true;
      if (!isTyping) return this.save(item);
      window.clearTimeout(item.timer);
      item.timer = window.setTimeout(() => this.save(item), TYPING_PAUSE_MS);
      this.showProgress();
    }

    listen() {
      this.block.find("form").addEventListener("submit", (event) => {
        event.preventDefault();
        this.move(1);
      });
      this.block.find("previous").addEventListener("click", () => this.move(-1));
      this.block.find("next").addEventListener("click", () => this.move(1));
      this.block.find("open-review").addEventListener("click", () => this.show(this.items.length, true));
      this.block.find("submit").addEventListener("click", () => this.submit());
      this.jumps.forEach((jump, index) => jump.addEventListener("click", () => this.show(index, true)));
      // Typing that has not paused yet must not be lost with the page.
      window.addEventListener("pagehide", () => this.saveTyped());
      document.addEventListener("visibilitychange", () => {
        if (document.visibilityState === "hidden") this.saveTyped();
      });
      window.addEventListener("online", () => {
        if (this.isWished) this.submit();
      });
    }

    // --- answers ------------------------------------------------------------------------------------------------

    showResponse(key, response) {
      const item = this.items.find((one) => one.key === key);
      if (item) item.fields.show(response || {});
    }

    save(item) {
      window.clearTimeout(item.timer);
      item.timer = 0;
      this.showProgress();
      const response = item.fields.read();
      // Only the learner takes an answer back: an empty field that nobody touched says nothing.
      if ((!response && !item.isTouched) || isSame(response, this.lastSaved(item.key))) return;
      item.problem.textContent = "";
      this.queue.replace((entry) => entry.item_key === item.key, {
        attempt_uuid: this.attempt,
        item_key: item.key,
        response: response,
      });
    }

    lastSaved(key) {
      const waiting = this.queue.entries.filter((entry) => entry.item_key === key).pop();
      return waiting ? waiting.response : this.received[key];
    }

    saveTyped() {
      for (const item of this.items) if (item.timer) this.save(item);
    }

    onReceipt(entry, body) {
      this.received = body.received;
      // What was on its way while this page was loaded is stored, though the page came without it.
      for (const item of this.items) {
        if (!item.isTouched && !item.fields.read() && body.received[item.key]) item.fields.show(body.received[item.key]);
      }
      this.showProgress();
      this.setClock(body.remaining_seconds);
      if (this.isWished && !this.queue.size()) this.submit();
    }

    onRefused(entry, body) {
      if (STALE.includes(body.code)) {
        this.block.reload();
        return;
      }
      const item = this.items.find((one) => one.key === entry.item_key);
      if (item) item.problem.textContent = body.message;
      if (body.code === "time_over") {
        this.isOver = true;
        this.submit();
      } else if (item) {
        this.setWish(false);
        this.show(this.items.indexOf(item), true);
      }
    }

    // --- moving -------------------------------------------------------------------------------------------------

    move(step) {
      this.show(Math.min(Math.max(this.place + step, 0), this.items.length), true);
    }

    /** Show question number ``place``, or the last look when there is none with that number. */
    show(place, withFocus) {
      this.saveTyped();
      this.place = place;
      const isReview = place === this.items.length;
      this.items.forEach((item, index) => (item.section.hidden = index !== place));
      this.block.find("review").hidden = !isReview;
      this.block.find("next").hidden = isReview;
      this.block.find("open-review").hidden = isReview;
      this.block.find("previous").disabled = place === 0;
      this.showProgress();
      const heading = isReview ? this.block.find("review-heading") : this.items[place].heading;
      if (withFocus) heading.focus();
    }

    showProgress() {
      const answered = this.items.map((item) => item.fields.isComplete());
      const count = answered.filter(Boolean).length;
      const missing = this.items.length - count;
      this.block.find("progress").value = count;
      this.block.find("answered").textContent = this.block.text("answered", { count: count, total: answered.length });
      answered.forEach((isAnswered, index) => {
        this.states[index].textContent = this.block.text(isAnswered ? "hasAnswer" : "noAnswer");
        this.jumps[index].dataset.state = isAnswered ? "answered" : "missing";
      });
      this.block.find("review-line").textContent = this.block.text(lineFor(missing), { count: missing });
      this.block.find("submit").textContent = this.block.text(missing ? "sendAnyway" : "send");
    }

    // --- sending ------------------------------------------------------------------------------------------------

    /** Send what waits first; the wish to send survives a closed page and goes out when the signal is back. */
    async submit() {
      if (this.block.readOnly) {
        this.block.status("preview");
        return;
      }
      if (this.isSubmitting) return;
      this.setWish(true);
      // What a late, older post may have overwritten goes again; after the end it would be refused for ever.
      if (!this.isOver) for (const item of this.items) this.save(item);
      if (this.queue.size()) {
        this.queue.send();
        return;
      }
      this.isSubmitting = true;
      this.block.find("submit").disabled = true;
      this.block.status("sending");
      const reply = await this.block.post("submit_attempt", { attempt_uuid: this.attempt });
      this.isSubmitting = false;
      this.block.find("submit").disabled = false;
      if (reply.ok || STALE.includes(reply.code)) {
        this.setWish(false);
        this.block.reload();
        return;
      }
      if (reply.status >= 400 && reply.status < 500 && reply.code !== "not_answered") this.setWish(false);
      showFailure(this.block, reply, "sendNeedsSignal");
      window.setTimeout(() => this.isWished && this.submit(), RETRY_MS);
    }

    // --- the clock ----------------------------------------------------------------------------------------------

    startClock() {
      if (!this.attempt) {
        this.block.find("clock").textContent = this.block.text("noTime");
        this.block.find("clock").hidden = false;
        return;
      }
      this.setClock(this.block.args.remainingSeconds);
      this.block.find("clock").hidden = false;
      window.setInterval(() => this.tick(), 1000);
      this.tick();
    }

    /** The server says how much is left; the phone's own date may be wrong by years. */
    setClock(seconds) {
      this.endsAt = performance.now() + seconds * 1000;
    }

    tick() {
      const left = Math.max(0, Math.ceil((this.endsAt - performance.now()) / 1000));
      const minutes = Math.ceil(left / 60);
      const clock = this.block.find("clock");
      const shown = left > 60 ? this.block.text("minutesLeft", { minutes: minutes }) : this.block.text("secondsLeft", { seconds: left });
      if (clock.textContent !== shown) clock.textContent = shown;
      if (SPOKEN_MINUTES.includes(minutes) && left > 60 * (minutes - 1) && this.spoken !== minutes) {
        this.spoken = minutes;
        this.block.find("time-left").textContent = this.block.text("minutesLeft", { minutes: minutes });
        clock.dataset.state = "short";
      }
      if (left === 0 && !this.isOver && !this.block.readOnly) {
        this.saveTyped();
        this.isOver = true;
        this.block.find("time-left").textContent = this.block.text("timeOver");
        this.submit();
      }
    }
  }

  /** The server keeps marks, pairs and cells in the item's order, the page in the order shown: the same response. */
  function spell(response) {
    const [[name, value]] = Object.entries(response);
    if (name === "order" || typeof value === "string") return name + JSON.stringify(value);
    return name + JSON.stringify(Object.entries(value).map(name === "options" ? (entry) => entry[1] : String).sort());
  }

  const isSame = (one, other) => (one && other ? spell(one) === spell(other) : !one && !other);

  function lineFor(missing) {
    if (missing === 0) return "allAnswered";
    return missing === 1 ? "oneMissing" : "someMissing";
  }

  window.IntegraSitting = function (runtime, element, args) {
    Integra.start(runtime, element, args, begin);
  };
})();
