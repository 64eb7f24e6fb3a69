import { useEffect, useRef } from "preact/hooks";
import type { Trace } from "../../api/types";
import { dark } from "../../state/preferences";
import { serviceColour } from "../../state/server";
import { setZoom } from "./view";

const HEIGHT = 44;
/** A press that moved no further is a click, px. */
const CLICK_PX = 4;

interface Props {
  trace: Trace;
  from: number;
  to: number;
}

/** The whole trace, small; the part shown below stands out. Drag to choose a part, double-click for all. */
export function Minimap({ trace, from, to }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const length = Math.max(trace.duration_ms, 1e-6);
  const theme = dark();

  useEffect(() => {
    const element = canvas.current;
    if (!element) return undefined;
    const paint = () => draw(element, trace, length);
    paint();
    const observer = new ResizeObserver(paint);
    observer.observe(element);
    return () => observer.disconnect();
  }, [trace, length, theme]);

  const drag = (event: PointerEvent) => {
    const element = box.current;
    if (!element || event.button !== 0) return;
    const bounds = element.getBoundingClientRect();
    const at = (x: number) => (Math.max(0, Math.min(bounds.width, x - bounds.left)) / bounds.width) * length;
    const start = at(event.clientX);
    element.setPointerCapture(event.pointerId);
    const up = (last: PointerEvent) => {
      element.removeEventListener("pointerup", up);
      const moved = Math.abs(last.clientX - event.clientX) > CLICK_PX;
      const end = at(last.clientX);
      if (moved) setZoom(Math.min(start, end), Math.max(start, end), length);
      else if (to - from < length * 0.99) setZoom(start - (to - from) / 2, start + (to - from) / 2, length);
    };
    element.addEventListener("pointerup", up);
  };

  return (
    <div
      ref={box}
      class="minimap"
      role="img"
      aria-label="The whole trace"
      onPointerDown={drag}
      onDblClick={() => setZoom(0, length, length)}
    >
      <canvas ref={canvas} height={HEIGHT} />
      <i class="minimap-out" style={{ left: 0, width: `${(100 * from) / length}%` }} />
      <i class="minimap-out" style={{ right: 0, width: `${100 - (100 * to) / length}%` }} />
    </div>
  );
}

function draw(element: HTMLCanvasElement, trace: Trace, length: number): void {
  const unit = devicePixelRatio;
  const width = element.clientWidth * unit;
  const height = HEIGHT * unit;
  element.width = width;
  element.height = height;
  const ctx = element.getContext("2d");
  if (!ctx || trace.spans.length === 0) return;
  const line = Math.max(unit, Math.min(4 * unit, height / trace.spans.length));
  const style = getComputedStyle(element);
  const probe = document.createElement("i");
  element.parentElement?.append(probe);
  const colours = new Map<string, string>();
  const colour = (token: string) => {
    let known = colours.get(token);
    if (known === undefined) {
      probe.style.color = `var(--${token})`;
      known = getComputedStyle(probe).color || style.color;
      colours.set(token, known);
    }
    return known;
  };
  trace.spans.forEach((span, at) => {
    const top = trace.spans.length * line <= height ? at * line : (at / trace.spans.length) * (height - line);
    ctx.fillStyle = colour(span.status === "ERROR" ? "error" : `service-${serviceColour(span.service)}`);
    ctx.fillRect(
      (span.start_ms / length) * width,
      top,
      Math.max(unit, (span.duration_ms / length) * width),
      Math.max(unit, line - unit / 2),
    );
  });
  probe.remove();
}
