/** A button that opens a small surface under it; Esc or a click elsewhere closes it. */

import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Icon, type IconName } from "./Icon";

interface Props {
  /** What the button says. */
  text?: string;
  /** What it is, for screen readers and the tooltip. */
  label: string;
  icon?: IconName;
  /** Aligns the surface with the right edge of the button. */
  right?: boolean;
  /** Shown as set (something is chosen). */
  on?: boolean;
  class?: string;
  /** Opens the menu from elsewhere, e.g. from a key. */
  opener?: { current: (() => void) | null };
  children: (close: () => void) => ComponentChildren;
}

const FOCUSABLE = "button:not(:disabled), input, select, a[href]";

export function Menu(props: Props) {
  const open = useSignal(false);
  const box = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);

  const close = () => {
    if (!open.peek()) return;
    open.value = false;
    button.current?.focus({ preventScroll: true });
  };
  if (props.opener) {
    props.opener.current = () => {
      open.value = true;
    };
  }

  const isOpen = open.value;
  // Before the next key arrives, as in `Dialog`.
  useLayoutEffect(() => {
    if (!isOpen) return undefined;
    const surface = box.current?.querySelector(".menu");
    const first = ["[aria-pressed='true']", "input", "button, a"].map((each) =>
      surface?.querySelector<HTMLElement>(each),
    );
    first.find(Boolean)?.focus();
    const outside = (event: Event) => {
      if (!box.current?.contains(event.target as Node)) open.value = false;
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [isOpen, open]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (!open.value) return;
    if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const items = [...(box.current?.querySelectorAll<HTMLElement>(`.menu :is(${FOCUSABLE})`) ?? [])];
      const at = items.indexOf(document.activeElement as HTMLElement);
      const step = event.key === "ArrowDown" ? 1 : -1;
      items[(at + step + items.length) % items.length]?.focus();
      event.preventDefault();
    }
  };

  return (
    <div class="menu-box" ref={box} onKeyDown={onKeyDown}>
      <button
        ref={button}
        type="button"
        class={`button ${props.on ? "on " : ""}${props.class ?? ""}`}
        aria-haspopup="dialog"
        aria-expanded={isOpen}
        aria-label={
          props.text === undefined || props.text === props.label
            ? props.label
            : `${props.label}: ${props.text}`
        }
        title={props.label}
        onClick={() => {
          open.value = !isOpen;
        }}
      >
        {props.icon && <Icon name={props.icon} />}
        {props.text !== undefined && <span class="clip">{props.text}</span>}
        {props.text !== undefined && <Icon name="down" size={12} />}
      </button>
      {isOpen && (
        <div class={`menu${props.right ? " right" : ""}`} role="dialog" aria-label={props.label}>
          {props.children(close)}
        </div>
      )}
    </div>
  );
}

interface ChoiceProps {
  label: string;
  icon?: IconName;
  /** Names of what can be chosen, with a note (a count) each. */
  options: { name: string; note?: string }[];
  chosen: string[];
  onChange: (chosen: string[]) => void;
  /** What the button says when nothing is chosen. */
  none: string;
}

/** A menu of things to tick. */
export function Choice(props: ChoiceProps) {
  const { chosen, options } = props;
  const shown: ChoiceProps["options"] = [
    ...options,
    ...chosen.filter((name) => !options.some((o) => o.name === name)).map((name) => ({ name })),
  ];
  const text =
    chosen.length === 0 ? props.none : chosen.length === 1 ? (chosen[0] ?? "") : `${chosen.length} chosen`;
  return (
    <Menu
      label={props.label}
      text={text}
      on={chosen.length > 0}
      {...(props.icon ? { icon: props.icon } : {})}
    >
      {(close) => (
        <>
          <button
            type="button"
            class="menu-item"
            aria-pressed={chosen.length === 0}
            onClick={() => {
              props.onChange([]);
              close();
            }}
          >
            <span class="menu-check">{chosen.length === 0 && <Icon name="check" size={14} />}</span>
            {props.none}
          </button>
          <div class="menu-scroll">
            {shown.map((option) => {
              const on = chosen.includes(option.name);
              return (
                <button
                  key={option.name}
                  type="button"
                  class="menu-item"
                  aria-pressed={on}
                  onClick={() =>
                    props.onChange(
                      on ? chosen.filter((name) => name !== option.name) : [...chosen, option.name],
                    )
                  }
                >
                  <span class="menu-check">{on && <Icon name="check" size={14} />}</span>
                  <span class="grow clip">{option.name}</span>
                  {option.note && <span class="dim">{option.note}</span>}
                </button>
              );
            })}
          </div>
          {shown.length === 0 && <p class="menu-note dim">None seen yet.</p>}
        </>
      )}
    </Menu>
  );
}
