import { fireEvent, render, screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { createRawSnippet } from "svelte";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Outcome } from "$lib/bindings";
import Button from "$lib/components/Button.svelte";
import Choice from "$lib/components/Choice.svelte";
import Confirm from "$lib/components/Confirm.svelte";
import Diff from "$lib/components/Diff.svelte";
import ErrorNote from "$lib/components/ErrorNote.svelte";
import Field from "$lib/components/Field.svelte";
import Glyph from "$lib/components/Glyph.svelte";
import JsonTree from "$lib/components/JsonTree.svelte";
import StateMark from "$lib/components/StateMark.svelte";
import Select from "$lib/components/Select.svelte";
import Switch from "$lib/components/Switch.svelte";
import ToastList from "$lib/components/ToastList.svelte";
import { OUTCOMES } from "$lib/components/outcome";
import { Toasts } from "$lib/toasts.svelte";
import { expectNoAxe, menuEntry } from "./helpers";

const text = (words: string) => createRawSnippet(() => ({ render: () => `<span>${words}</span>` }));

afterEach(() => {
  vi.useRealTimers();
});

describe("button", () => {
  it("takes no click while busy or disabled, and keeps the focus", async () => {
    const onclick = vi.fn();
    const { rerender } = render(Button, { props: { onclick, busy: true, children: text("Go") } });
    const button = screen.getByRole("button", { name: "Go" });
    button.focus();
    await fireEvent.click(button);
    await rerender({ busy: false, disabled: true });
    await fireEvent.click(button);
    expect(onclick).not.toHaveBeenCalled();
    expect(document.activeElement).toBe(button);
    await rerender({ disabled: false });
    await fireEvent.click(button);
    expect(onclick).toHaveBeenCalledOnce();
  });

  it("with an icon alone has a name", async () => {
    const { container } = render(Button, { props: { icon: "close", label: "Close" } });
    expect(screen.getByRole("button", { name: "Close" })).toBeTruthy();
    await expectNoAxe(container);
  });
});

describe("controls", () => {
  it("a switch says what it is, and asks before it shows", async () => {
    const onchange = vi.fn();
    const { container } = render(Switch, { props: { checked: false, onchange, label: "Start at login", help: "In the tray." } });
    const control = screen.getByRole("switch", { name: "Start at login" });
    expect(control.getAttribute("aria-checked")).toBe("false");
    await userEvent.setup().click(control);
    expect(onchange).toHaveBeenCalledWith(true);
    expect(control.getAttribute("aria-checked")).toBe("false");
    await expectNoAxe(container);
  });

  it("a field tells its error", async () => {
    const { container } = render(Field, { props: { label: "Address", help: "https only", error: "This is no address." } });
    const input = screen.getByRole("textbox", { name: "Address" });
    expect(input.getAttribute("aria-invalid")).toBe("true");
    const told = input.getAttribute("aria-describedby")?.split(" ").map((id) => document.getElementById(id)?.textContent);
    expect(told).toEqual(["https only", "This is no address."]);
    await expectNoAxe(container);
  });

  it("a list of a thousand is narrowed by typing, and only some of it exists", async () => {
    const onchange = vi.fn();
    const options = Array.from({ length: 1000 }, (_, n) => ({ value: `v${n}`, label: `Charm ${n}` }));
    const { container } = render(Select, { props: { label: "Charm", options, value: "v1", onchange } });
    const user = userEvent.setup();
    const input = screen.getByRole("combobox", { name: "Charm" });
    expect((input as HTMLInputElement).value).toBe("Charm 1");
    await user.click(input);
    await waitFor(() => expect(screen.getAllByRole("option", { hidden: true }).length).toBeLessThan(100));
    await expectNoAxe(container);
    await user.clear(input);
    await user.type(input, "charm 777");
    await user.click(await menuEntry("option", "Charm 777"));
    expect(onchange).toHaveBeenCalledWith("v777");
  });

  it("a choice goes by arrow keys", async () => {
    const onchange = vi.fn();
    const options = [
      { value: "system", label: "System" },
      { value: "dark", label: "Dark", help: "Always" },
    ];
    const { container } = render(Choice, { props: { legend: "Theme", options, value: "system", onchange } });
    const user = userEvent.setup();
    screen.getByRole("radio", { name: "System" }).focus();
    await user.keyboard("{ArrowDown}");
    expect(onchange).toHaveBeenCalledWith("dark");
    await expectNoAxe(container);
  });
});

describe("shapes", () => {
  it("are different for every outcome and every state", () => {
    const drawn = (outcome: Outcome | null) => {
      const { container, unmount } = render(Glyph, { props: { outcome } });
      const shape = [...container.querySelectorAll("path")].map((p) => p.getAttribute("d")).join("|");
      unmount();
      return shape;
    };
    const shapes = [null, ...OUTCOMES].map(drawn);
    expect(new Set(shapes).size).toBe(12);
    const states = ["ok", "running", "attention", "paused"].map((state) => {
      const { container, unmount } = render(StateMark, { props: { state } });
      const shape = container.innerHTML.replace(/class="[^"]*"/g, "");
      unmount();
      return shape;
    });
    expect(new Set(states).size).toBe(4);
  });
});

describe("errors and messages", () => {
  it("an error has its sentence, its hint and a way on", async () => {
    const retry = vi.fn();
    const error = { kind: "keychain", message: "Your keychain is locked.", hint: "Unlock it." } as const;
    const { container } = render(ErrorNote, { props: { error, retry } });
    expect(screen.getByRole("alert").textContent).toContain("Unlock it.");
    await fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    expect(retry).toHaveBeenCalledOnce();
    await expectNoAxe(container);
    expect(container.querySelector(".notice.bad")).toBeTruthy();
  });

  it("a space that nobody has yet is a question, not a failure", () => {
    const error = { kind: "space", message: "This space is new.", code: "new-space" } as const;
    const { container } = render(ErrorNote, { props: { error } });
    expect(container.querySelector(".notice.info")).toBeTruthy();
    expect(screen.getByRole("alert").textContent).toContain("This space is new.");
  });

  it("a toast goes by itself, an error stays, an undo is done once", async () => {
    vi.useFakeTimers();
    const toasts = new Toasts();
    const undo = vi.fn();
    render(ToastList, { props: { toasts } });
    toasts.add({ message: "Gmail was removed", action: { label: "Undo", run: undo } });
    toasts.add({ message: "It failed", tone: "bad" });
    await vi.advanceTimersByTimeAsync(100);
    await fireEvent.click(screen.getByRole("button", { name: "Undo" }));
    expect(undo).toHaveBeenCalledOnce();
    expect(screen.queryByText("Gmail was removed")).toBeNull();
    toasts.add({ message: "Saved", tone: "good" });
    await vi.advanceTimersByTimeAsync(9000);
    expect(toasts.list.map((s) => s.message)).toEqual(["It failed"]);
    vi.useRealTimers();
    await expectNoAxe(document.body);
  });

  it("a toast waits while a person is at it, and is not told twice", async () => {
    vi.useFakeTimers();
    const toasts = new Toasts();
    toasts.add({ message: "Saved" });
    toasts.add({ message: "Saved" });
    expect(toasts.list.length).toBe(1);
    toasts.hold();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(toasts.list.length).toBe(1);
    toasts.release();
    await vi.advanceTimersByTimeAsync(9000);
    expect(toasts.list).toEqual([]);
  });

  it("a question can be answered by keyboard, and Esc is no", async () => {
    const onconfirm = vi.fn();
    const user = userEvent.setup();
    render(Confirm, { props: { open: true, title: "Reset?", text: "All goes.", action: "Reset", danger: true, onconfirm } });
    const dialog = await screen.findByRole("dialog", { name: "Reset?" });
    await waitFor(() => expect(dialog.contains(document.activeElement)).toBe(true));
    await expectNoAxe(document.body);
    await user.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(onconfirm).not.toHaveBeenCalled();
  });
});

describe("a tree of cells", () => {
  const value = { emails: [{ subject: "<b>Lunch</b>" }], count: 3 };

  it("goes by arrow keys and shows text as text", async () => {
    const { container } = render(JsonTree, { props: { value, label: "Cells" } });
    const user = userEvent.setup();
    await expectNoAxe(container);
    screen.getAllByRole("treeitem")[0]?.focus();
    await user.keyboard("{ArrowDown}{ArrowRight}");
    expect(screen.getAllByRole("treeitem")[1]?.getAttribute("aria-expanded")).toBe("true");
    await user.keyboard("{ArrowRight}{ArrowRight}{ArrowRight}");
    expect(document.activeElement?.textContent).toContain("<b>Lunch</b>");
    expect(container.querySelector("b")).toBeNull();
    await user.keyboard("{ArrowLeft}{ArrowLeft}");
    expect(screen.queryByText("<b>Lunch</b>")).toBeNull();
  });

  it("says when a search finds nothing", async () => {
    render(JsonTree, { props: { value, label: "Cells", filter: "zzz" } });
    expect(screen.getByRole("status").textContent).toContain("zzz");
  });
});

describe("a diff", () => {
  it("shows a page of many changes, and more when asked", async () => {
    const changes = Array.from({ length: 200 }, (_, n) => ({
      id: `d${n}`,
      path: `/value/n${n}`,
      op: "replace",
      before: n,
      after: n + 1,
      truncated: n === 0,
    }));
    const { container } = render(Diff, { props: { changes } });
    const drawn = () => container.querySelectorAll("li").length;
    // A few at once, so that the window answers in between.
    expect(drawn()).toBeLessThan(10);
    await waitFor(() => expect(drawn()).toBe(25));
    expect(container.querySelector("del")?.textContent).toBe("−0");
    expect(container.querySelector("ins")?.textContent).toBe("+1");
    await fireEvent.click(screen.getByRole("button", { name: "Show 175 more changes" }));
    expect(drawn()).toBeLessThan(35);
    await waitFor(() => expect(drawn()).toBe(125));
    await expectNoAxe(container);
  });
});
