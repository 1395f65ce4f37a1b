import { arrange, h, hidden, write } from "./dom.js";
import { icon } from "./icons.js";
import { api } from "./api.js";

const SPEEDS = [1, 2, 5];

/** The bar that tells what is happening. It asks; the player outside does, and tells us through the story's state. */
export class StoryBar {
  constructor(node) {
    this.node = node;
    this.title = h("h2", { dir: "auto" });
    this.state = h("span", { class: "story-state" });
    this.count = h("span", { class: "story-count" });
    this.stepTitle = h("b");
    this.stepWords = h("span");
    this.caption = h("p", { class: "story-caption", dir: "auto" }, this.stepTitle, " ", this.stepWords);
    this.noteWords = h("span", { dir: "auto" });
    this.note = h("p", { class: "story-note", hidden: true }, icon("note"), this.noteWords);
    this.steps = h("ol", { class: "steps" });
    this.error = h("p", { class: "story-error", role: "alert" });
    const button = (name, label, action) => {
      const made = h("button", { type: "button", class: "control", "aria-label": label, title: label }, icon(name));
      made.addEventListener("click", () => this.ask({ action: typeof action === "function" ? action() : action }));
      return made;
    };
    this.play = button("play", "Play", () => (this.told?.state === "playing" ? "pause" : "play"));
    this.play.classList.add("primary");
    this.step = button("step", "Next step", "step");
    this.restart = button("restart", "Restart", "restart");
    this.speeds = SPEEDS.map((speed) => {
      const made = h("button", { type: "button", class: "speed", "aria-pressed": "false" }, `${speed}x`, hidden(" speed"));
      made.addEventListener("click", () => this.ask({ action: "speed", speed }));
      return made;
    });
    const speeds = h("div", { class: "speeds", role: "group", "aria-label": "Speed" }, this.speeds);
    const controls = h("div", { class: "controls", role: "group", "aria-label": "Story controls" }, this.play, this.step, this.restart, speeds);
    const words = h("div", { class: "story-words" }, h("div", { class: "story-head" }, this.title, this.count, this.state), this.caption, this.note);
    node.append(words, controls, this.steps, this.error);
  }

  async ask(body) {
    try {
      await api.story(body);
      write(this.error, "");
    } catch (error) {
      write(this.error, error.message);
    }
  }

  /** story: as in the contract, or null. `position` counts steps from 0; before the first it is -1. */
  render(story) {
    this.told = story;
    this.node.hidden = story === null;
    if (story === null) return;
    const steps = story.steps ?? [];
    const ended = story.state === "ended";
    const at = ended ? steps.length - 1 : Math.min(story.position, steps.length - 1);
    write(this.title, story.title);
    write(this.count, `${Math.max(at + 1, 0)} of ${steps.length}`);
    const unusual = story.state === "playing" && story.speed && !SPEEDS.includes(story.speed);
    write(this.state, unusual ? `playing at ${story.speed}x` : String(story.state));
    this.state.dataset.state = story.state;
    const current = steps[at];
    write(this.stepTitle, current?.title ?? "");
    write(this.stepWords, current ? (current.caption ?? "") : "Press play to begin.");
    this.note.hidden = !story.note;
    write(this.noteWords, story.note ?? "");
    this.renderSteps(steps, at, ended);
    this.renderControls(story, ended);
  }

  renderSteps(steps, at, ended) {
    this.steps.dataset.many = String(steps.length > 9);
    while (this.steps.children.length > steps.length) this.steps.lastChild.remove();
    steps.forEach((step, index) => {
      const done = ended || index < at;
      const li = this.steps.children[index] ?? this.steps.appendChild(h("li", {}, h("i"), h("span", { dir: "auto" }), hidden("")));
      li.className = done ? "done" : index === at ? "now" : "todo";
      li.title = step.title;
      if (index === at) li.setAttribute("aria-current", "step");
      else li.removeAttribute("aria-current");
      write(li.children[1], step.title);
      write(li.children[2], done ? " (done)" : "");
    });
  }

  renderControls(story, ended) {
    const playing = story.state === "playing";
    const label = playing ? "Pause" : "Play";
    if (this.play.getAttribute("aria-label") !== label) {
      this.play.setAttribute("aria-label", label);
      this.play.title = label;
      arrange(this.play, [icon(playing ? "pause" : "play")]);
    }
    this.play.disabled = ended;
    this.step.disabled = ended;
    SPEEDS.forEach((speed, index) => this.speeds[index].setAttribute("aria-pressed", String(speed === story.speed)));
  }
}
