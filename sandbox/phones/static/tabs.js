import { arrange, h, hidden, write } from "./dom.js";

/** On a narrow screen one phone at a time, chosen by a tab; the tab says how much is new on the others. */
export class Tabs {
  constructor(node, choose) {
    this.node = node;
    this.choose = choose;
    this.tabs = new Map();
    this.inSight = null;
    node.setAttribute("role", "tablist");
    node.setAttribute("aria-label", "Phones");
    node.addEventListener("keydown", (event) => this.keyed(event));
  }

  render(phones, current, narrow) {
    this.order = phones.map((phone) => phone.handset.address);
    this.node.hidden = !narrow || phones.length < 2;
    for (const address of [...this.tabs.keys()]) if (!this.order.includes(address)) this.tabs.delete(address);
    arrange(this.node, phones.map((phone) => this.tab(phone, phone === current)));
    const selected = this.tabs.get(current?.handset.address)?.node ?? null;
    if (!this.node.hidden && selected !== this.inSight) selected?.scrollIntoView({ block: "nearest", inline: "nearest" });
    this.inSight = this.node.hidden ? null : selected;
    for (const phone of phones) {
      const asTab = !this.node.hidden;
      phone.node.id = `panel-${phone.handset.address}`;
      if (asTab) phone.node.setAttribute("role", "tabpanel");
      else phone.node.removeAttribute("role");
      phone.node.hidden = narrow && phone !== current;
    }
  }

  tab(phone, selected) {
    const { address } = phone.handset;
    if (!this.tabs.has(address)) {
      const words = h("span", { dir: "auto" });
      const count = h("span", { class: "count" });
      const node = h("button", { type: "button", role: "tab", "aria-controls": `panel-${address}`, onclick: () => this.choose(address) }, words, count);
      this.tabs.set(address, { node, words, count });
    }
    const { node, words, count } = this.tabs.get(address);
    write(words, phone.label.split(",")[0]);
    const unseen = phone.unseenCount;
    if (count.dataset.unseen !== String(unseen)) {
      count.dataset.unseen = String(unseen);
      count.replaceChildren(...(unseen ? [String(unseen), hidden(" new")] : []));
    }
    node.setAttribute("aria-selected", String(selected));
    node.tabIndex = selected ? 0 : -1;
    return node;
  }

  keyed(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = this.order.findIndex((address) => this.tabs.get(address).node === document.activeElement);
    if (!step || at < 0) return;
    const to = this.order[(at + step + this.order.length) % this.order.length];
    this.choose(to);
    this.tabs.get(to).node.focus();
    event.preventDefault();
  }
}
