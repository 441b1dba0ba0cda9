/** A lesson: the note, listening, wide tables, the end, and active time. */
(function () {
  "use strict";

  // The first tick only starts the server's clock; not while the page loads.
  const FIRST_TICK_SECONDS = 10;
  const TICK_SECONDS = 60;
  const IDLE_SECONDS = 120;

  window.IntegraLesson = function (runtime, element, args) {
    Integra.start(runtime, element, args, function (block) {
      keepNote(block);
      offerListening(block);
      frameWideTables(block);
      finishOnce(block);
      countActiveTime(block);
    });
  };

  /** The prediction stays on the phone and is shown again at the closing; it never leaves it. */
  function keepNote(block) {
    const note = block.find("note");
    if (!note) return;
    const draft = block.draft("note");
    const recall = block.find("recall");
    const show = function () {
      if (!recall) return;
      recall.hidden = !note.value.trim();
      recall.textContent = block.text("noteIs", { note: note.value.trim() });
    };
    note.value = draft.read() || "";
    show();
    note.addEventListener("input", function () {
      const isKept = Boolean(block.args.owner) && draft.write(note.value);
      if (isKept) block.find("note-hint").textContent = block.text("noteKept");
      show();
    });
  }

  /** The browser reads aloud. Only voices of the phone itself: others would send the text elsewhere. */
  function offerListening(block) {
    const speech = window.speechSynthesis;
    if (!speech || !window.SpeechSynthesisUtterance) return;
    let playing = null;

    function findVoice() {
      const voices = speech.getVoices().filter((voice) => voice.localService && /^es\b/i.test(voice.lang));
      return voices.find((voice) => /^es.(EC|419|MX|CO|PE|US)/i.test(voice.lang)) || voices[0];
    }

    function label(button, name) {
      button.querySelector('[data-integra="listen-label"]').textContent = block.text(name);
      button.dataset.state = name;
    }

    function stop() {
      speech.cancel();
      if (playing) label(playing, "listen");
      playing = null;
    }

    function play(button, voice) {
      stop();
      playing = button;
      label(button, "stop");
      // Piece by piece: some phones fall silent in the middle of a long text.
      const parts = button.closest("section").querySelectorAll("h3, p, li, th, td, dt, dd");
      const texts = Array.from(parts)
        .filter((part) => part.closest('[data-integra="prose"], h3') && !part.querySelector("p, li"))
        .map((part) => part.textContent.trim())
        .filter(Boolean);
      texts.forEach(function (text, index) {
        const utterance = new window.SpeechSynthesisUtterance(text);
        utterance.voice = voice;
        utterance.lang = voice.lang;
        utterance.rate = 0.95;
        if (index === texts.length - 1) {
          utterance.onend = function () {
            if (playing === button) stop();
          };
        }
        speech.speak(utterance);
      });
    }

    function offer() {
      const voice = findVoice();
      if (!voice) return;
      for (const button of block.findAll("listen")) {
        if (!button.hidden) continue;
        button.hidden = false;
        label(button, "listen");
        button.addEventListener("click", function () {
          if (playing === button) stop();
          else play(button, voice);
        });
      }
    }

    offer();
    speech.addEventListener("voiceschanged", offer);
    window.addEventListener("pagehide", stop);
  }

  /** A table wider than the screen scrolls by itself, by finger and by keyboard; the page never does. */
  function frameWideTables(block) {
    for (const table of block.root.querySelectorAll('[data-integra="prose"] table')) {
      const frame = document.createElement("div");
      frame.className = "integra-scroll";
      table.replaceWith(frame);
      frame.append(table);
      if (frame.scrollWidth > frame.clientWidth) {
        frame.tabIndex = 0;
        frame.setAttribute("role", "group");
        frame.setAttribute("aria-label", block.text("table"));
      }
    }
  }

  /** The end: one receipt is enough, however often it is touched. */
  function finishOnce(block) {
    const button = block.find("finish");
    const queue = block.queue("finish", "finish", {
      onReceipt: function (_sent, reply) {
        const hadFocus = document.activeElement === button;
        button.hidden = true;
        block.find("done").hidden = false;
        block.find("next").hidden = reply.is_unit_complete;
        block.find("unit-done").hidden = !reply.is_unit_complete;
        if (hadFocus) {
          block.find("done").tabIndex = -1;
          block.find("done").focus();
        }
      },
      onRefused: function (_sent, reply) {
        button.disabled = false;
        block.say(reply.message, "refused");
      },
    });
    if (queue.size()) button.disabled = true;
    button.addEventListener("click", function () {
      button.disabled = true;
      queue.add({});
    });
  }

  /** While the page is seen and touched, a tick a minute; the server's clock decides what counts. */
  function countActiveTime(block) {
    if (block.readOnly) return;
    let touchedAt = Date.now();
    show(block, block.args.activeSeconds);
    for (const name of ["scroll", "pointerdown", "keydown"]) {
      window.addEventListener(name, () => (touchedAt = Date.now()), { passive: true });
    }
    async function tick() {
      const isIdle = Date.now() - touchedAt > IDLE_SECONDS * 1000;
      if (document.visibilityState === "hidden" || isIdle) return;
      const reply = await block.post("tick", {});
      if (reply.ok) show(block, reply.body.active_seconds);
    }
    window.setTimeout(tick, FIRST_TICK_SECONDS * 1000);
    window.setInterval(tick, TICK_SECONDS * 1000);
  }

  function show(block, seconds) {
    const minutes = Math.floor(seconds / 60);
    const line = block.find("active");
    line.hidden = minutes < 1;
    line.textContent = block.text("activeMinutes", { minutes: minutes });
  }
})();
