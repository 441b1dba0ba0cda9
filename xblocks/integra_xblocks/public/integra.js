/**
 * Shared core of all blocks: one object per block on the page, with texts, JSON posts, drafts that stay on the
 * phone until the server has them, and a queue that sends what was done without signal.
 *
 * A block's script:
 *
 *   window.IntegraLesson = function (runtime, element, args) {
 *     Integra.start(runtime, element, args, function (block) {
 *       block.find("send").addEventListener("click", …);      // [data-integra="send"]
 *     });
 *   };
 *
 * block.root                       the block's DOM element
 * block.find(role), findAll(role)  elements marked data-integra="role"
 * block.text(name, values)         translated text with its {placeholders} filled
 * block.post(handler, body, options)  → {ok, status, code, body}; never rejects; status 0 = no signal
 * block.draft(name)                → {read(), write(value), remove()} kept under learner + block + version
 * block.queue(name, handler, {onReceipt(body, reply), onRefused(body, reply), onWaiting(body, statusName)})
 *     → {entries, size(), add(body), replace(isSame, body)}: adds a uuid, keeps order and the phone's copy until
 *     the receipt, retries, sends with keepalive on hiding; replace first drops waiting entries with
 *     isSame(entry). A refusal (our JSON with 4xx) ends an entry; no signal, 5xx and a lost session do not.
 * block.status(name|"" , values)   writes a text into [data-integra="status"] (aria-live)
 * block.say(sentence, state)       writes a sentence of the server's there
 * block.reload()                   loads the page again and puts the focus on [data-integra="title"]
 * block.readOnly                   "" or why nothing may be written; post and queue then do nothing
 *
 * <time datetime="…"> is shown in the phone's time zone.
 *
 * Loaded once per block type on development servers: the second copy leaves the first one alone.
 */
(function () {
  "use strict";
  if (window.Integra) return;

  const RETRY_SECONDS = [3, 10, 30, 60, 120];
  // Browsers refuse keepalive bodies beyond 64 kB for all pending requests together.
  const KEEPALIVE_LIMIT = 30000;

  function readCookie(name) {
    const found = document.cookie.split("; ").find((part) => part.startsWith(name + "="));
    return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
  }

  function makeUuid() {
    if (window.crypto.randomUUID) return window.crypto.randomUUID(); // absent on http and on older phones
    const bytes = window.crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  }

  /** Storage that a full disk or a private window cannot break: without it the page works, drafts do not. */
  const storage = {
    read(key) {
      try {
        return JSON.parse(window.localStorage.getItem(key));
      } catch {
        return null;
      }
    },
    write(key, value) {
      try {
        window.localStorage.setItem(key, JSON.stringify(value));
        return true;
      } catch {
        return false;
      }
    },
    remove(key) {
      try {
        window.localStorage.removeItem(key);
      } catch {
        // Nothing was stored either.
      }
    },
    list(prefix) {
      try {
        return Object.keys(window.localStorage).filter((key) => key.startsWith(prefix));
      } catch {
        return [];
      }
    },
  };

  function fill(text, values) {
    return String(text || "").replace(/\{(\w+)\}/g, (whole, name) =>
      values && name in values ? String(values[name]) : whole,
    );
  }

  async function postJson(url, body, keepalive) {
    const text = JSON.stringify(body);
    let reply;
    try {
      reply = await fetch(url, {
        method: "POST",
        credentials: "same-origin",
        keepalive: Boolean(keepalive) && text.length < KEEPALIVE_LIMIT,
        headers: { "Content-Type": "application/json", "X-CSRFToken": readCookie("csrftoken") },
        body: text,
      });
    } catch {
      return { ok: false, status: 0, code: "offline", body: null };
    }
    let answer = null;
    try {
      answer = await reply.json();
    } catch {
      // A login page or a proxy's error page: not an answer of the block.
    }
    const isOurs = answer !== null && typeof answer === "object";
    let code = (isOurs && answer.code) || (reply.ok && isOurs ? "" : "not_answered");
    if (code === "unauthenticated") code = "not_answered"; // the runtime speaks, not the block
    return { ok: reply.ok && isOurs, status: reply.status, code: code, body: answer };
  }

  class Block {
    constructor(runtime, root, args) {
      this.runtime = runtime;
      this.root = root;
      this.args = args || {};
      this.readOnly = this.args.readOnly || "";
    }

    find(role) {
      return this.root.querySelector('[data-integra="' + role + '"]');
    }

    findAll(role) {
      return Array.from(this.root.querySelectorAll('[data-integra="' + role + '"]'));
    }

    text(name, values) {
      return fill((this.args.texts || {})[name], values);
    }

    status(name, values) {
      const line = this.find("status");
      if (!line) return;
      line.textContent = name ? this.text(name, values) : "";
      line.dataset.state = name || "";
    }

    say(sentence, state) {
      const line = this.find("status");
      line.textContent = sentence || this.text("failed");
      line.dataset.state = state || "said";
    }

    /** Load the page again, so that it shows what is stored, with the focus on this block's title. */
    reload() {
      try {
        window.sessionStorage.setItem("integra-focus", this.args.usage);
      } catch {
        // Only the focus is lost.
      }
      window.location.reload();
    }

    focusAfterReload() {
      try {
        if (window.sessionStorage.getItem("integra-focus") !== this.args.usage) return;
        window.sessionStorage.removeItem("integra-focus");
      } catch {
        return;
      }
      const title = this.find("title");
      if (title) title.focus();
    }

    post(handler, body, options) {
      if (this.readOnly) return Promise.resolve({ ok: false, status: 0, code: this.readOnly, body: null });
      const url = this.runtime.handlerUrl(this.root, handler);
      return postJson(url, body, options && options.keepalive);
    }

    storageKey(name) {
      return ["integra", this.args.owner, this.args.usage, this.args.version, name].join(":");
    }

    draft(name) {
      const key = this.storageKey(name);
      return {
        read: () => storage.read(key),
        write: (value) => storage.write(key, value),
        remove: () => storage.remove(key),
      };
    }

    queue(name, handler, listeners) {
      return new Queue(this, this.storageKey(name), handler, listeners || {});
    }
  }

  /** Posts in the order they were made; what was not received stays on the phone and is tried again. */
  class Queue {
    constructor(block, key, handler, listeners) {
      this.block = block;
      this.key = key;
      this.handler = handler;
      this.listeners = listeners;
      this.entries = block.readOnly ? [] : this.load();
      this.isSending = false;
      this.failures = 0;
      this.timer = 0;
      window.addEventListener("online", () => this.send());
      window.addEventListener("pagehide", () => this.flush());
      document.addEventListener("visibilitychange", () => {
        if (document.visibilityState === "hidden") this.flush();
        else this.send();
      });
      if (this.entries.length) {
        block.status("savedHere");
        // After the block's own start, so that its listeners find what they need.
        window.setTimeout(() => this.send());
      }
    }

    size() {
      return this.entries.length;
    }

    add(body) {
      if (this.block.readOnly) {
        this.block.status("preview");
        return;
      }
      const entry = Object.assign({ uuid: makeUuid() }, body);
      this.entries.push(entry);
      storage.write(this.keyOf(entry), { at: Date.now(), body: entry });
      this.block.status("saving");
      this.send();
    }

    replace(isSame, body) {
      // The one under way is settled by its answer.
      const isKept = (entry, index) => (this.isSending && index === 0) || !isSame(entry);
      for (const entry of this.entries.filter((each, index) => !isKept(each, index))) {
        storage.remove(this.keyOf(entry));
      }
      this.entries = this.entries.filter(isKept);
      this.add(body);
    }

    /** One key per entry: two tabs of the same block never write over each other's. */
    keyOf(entry) {
      return this.key + ":" + entry.uuid;
    }

    load() {
      const stored = storage.list(this.key + ":").map((key) => storage.read(key));
      return stored
        .filter((each) => each && each.body)
        .sort((one, other) => one.at - other.at)
        .map((each) => each.body);
    }

    async send() {
      if (this.isSending || !this.entries.length) return;
      this.isSending = true;
      window.clearTimeout(this.timer);
      while (this.entries.length) {
        const entry = this.entries[0];
        const reply = await this.block.post(this.handler, entry);
        if (!this.settle(entry, reply)) break;
      }
      this.isSending = false;
    }

    /** Return whether the entry is done with, so that the next one may go. */
    settle(entry, reply) {
      const isRefused = !reply.ok && reply.status >= 400 && reply.status < 500 && reply.status !== 429;
      if (!reply.ok && !(isRefused && reply.code !== "not_answered")) {
        this.wait(reply);
        return false;
      }
      this.failures = 0;
      this.entries.shift();
      storage.remove(this.keyOf(entry));
      if (reply.ok) {
        this.block.status("sent");
        if (this.listeners.onReceipt) this.listeners.onReceipt(entry, reply.body);
      } else {
        this.block.status("");
        if (this.listeners.onRefused) this.listeners.onRefused(entry, reply.body);
      }
      return true;
    }

    wait(reply) {
      // A login page instead of an answer, or the platform's own refusal of session or token.
      const isSignedOut = reply.code === "not_answered" && [200, 401, 403].includes(reply.status);
      const name = isSignedOut ? "signedOut" : reply.status === 0 ? "savedHere" : "failed";
      this.block.status(name);
      const seconds = RETRY_SECONDS[Math.min(this.failures, RETRY_SECONDS.length - 1)];
      this.failures += 1;
      if (this.listeners.onWaiting) this.entries.forEach((entry) => this.listeners.onWaiting(entry, name));
      this.timer = window.setTimeout(() => this.send(), seconds * 1000);
    }

    /** The page goes away: hand everything to the browser; the uuids make a second arrival harmless. */
    flush() {
      for (const entry of this.entries) {
        this.block.post(this.handler, entry, { keepalive: true });
      }
    }
  }

  /** The phone knows its own time zone; the server wrote UTC. */
  function showTime(element) {
    const format = new Intl.DateTimeFormat("es-EC", { dateStyle: "long", timeStyle: "short" });
    element.textContent = format.format(new Date(element.dateTime));
  }

  /** Start one block; a failure is shown in it and never stops the blocks after it. */
  function start(runtime, element, args, begin) {
    const root = element.jquery ? element[0] : element; // the runtime may pass either
    const block = new Block(runtime, root, args);
    try {
      block.root.querySelectorAll("time[datetime]").forEach(showTime);
      begin(block);
      block.focusAfterReload();
    } catch (error) {
      block.status("broken");
      window.console.error("integra:", error);
    }
  }

  window.Integra = { start: start, showTime: showTime, makeUuid: makeUuid, fill: fill, postJson: postJson };
})();
