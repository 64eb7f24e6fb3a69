import { describe, expect, it } from "vitest";
import { clip, visible, visibleString } from "./visible";

describe("visible", () => {
  it("leaves ordinary text alone", () => {
    expect(visible("<img src=x> – 日本 👩‍💻")).toEqual([{ text: "<img src=x> – 日本 👩‍💻" }]);
  });
  it("shows control characters as symbols", () => {
    expect(visibleString("a\u001b[31mb\nc\u0000\t\u007f")).toBe("a␛[31mb↵c␀→␡");
  });
  it("shows what changes the direction of text or has no width", () => {
    expect(visibleString("a\u202eb\u200bc\ufeff\ud800\u{e0041}")).toBe(
      "a⟨U+202E⟩b⟨U+200B⟩c⟨U+FEFF⟩⟨U+D800⟩⟨U+E0041⟩",
    );
  });
  it("keeps line breaks in blocks", () => {
    expect(visible("a\n\tb\u0007", true)).toEqual([
      { text: "a\n\tb" },
      { text: "␇", control: true, name: "U+0007" },
    ]);
  });
  it("does not cut a character in two", () => {
    expect(clip("ab🙂", 3)).toBe("ab…");
  });
});
