/** The icons, drawn for this screen on a 16 px grid. */

const PATHS = {
  logs: "M2.5 4h11M2.5 8h8M2.5 12h10",
  traces: "M2.5 3.5h6M5.5 8h6M8.5 12.5h5",
  metrics: "M2.5 13.5v-11M2.5 13.5h11M5 11l2.5-4 2.5 2 3-5",
  jobs: "M2.5 3.5h7v2.5h-7zM5 6.8h7v2.5h-7zM8 10.1h5.5v2.5H8z",
  runs: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM6.6 5.5 10.6 8l-4 2.5z",
  status: "M1.5 8.5h3l2-5 3 9 2-4h3",
  search: "M7 12a5 5 0 1 0 0-10 5 5 0 0 0 0 10zM10.7 10.7 14 14",
  close: "M4 4l8 8M12 4l-8 8",
  down: "M4.5 6.5 8 10l3.5-3.5",
  right: "M6.5 4.5 10 8l-3.5 3.5",
  left: "M9.5 4.5 6 8l3.5 3.5",
  up: "M4.5 9.5 8 6l3.5 3.5",
  copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z",
  check: "M3 8.5 6.5 12 13 4.5",
  clock: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.8V8l2.2 1.6",
  refresh: "M13.5 8a5.5 5.5 0 1 1-1.6-3.9M13.5 2v3h-3",
  columns: "M2.5 3h11v10h-11zM6.2 3v10M9.8 3v10",
  download: "M8 2.5v7.5M5 7l3 3 3-3M3 13.5h10",
  filter: "M2.5 3.5h11L9.5 8.5v4l-3 1.5v-5.5z",
  exclude: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM3.8 3.8l8.4 8.4",
  sun: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
  moon: "M13.5 9.6A6 6 0 0 1 6.4 2.5a6 6 0 1 0 7.1 7.1z",
  help: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM6.2 6.3a1.8 1.8 0 1 1 2.6 1.6c-.6.3-.8.6-.8 1.2M8 11.3v.1",
  warning: "M8 2.2 14.3 13.2H1.7zM8 6.3v3.2M8 11.3v.1",
  error: "M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM5.9 5.9l4.2 4.2M10.1 5.9l-4.2 4.2",
  link: "M6.5 9.5l3-3M7 4.5l1.3-1.3a3 3 0 0 1 4.5 4.5L11.5 9M9 11.5l-1.3 1.3a3 3 0 0 1-4.5-4.5L4.5 7",
  zoomOut: "M7 12a5 5 0 1 0 0-10 5 5 0 0 0 0 10zM10.7 10.7 14 14M5 7h4",
  patterns: "M2.5 3.5h7M2.5 7h11M2.5 10.5h5M10 10.5h3.5M2.5 14h9",
  panel: "M2.5 3h11v10h-11zM9.5 3v10",
  server: "M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.1M5 11h.1",
} as const;

export type IconName = keyof typeof PATHS;

/** A drawing beside a word; it says nothing of its own to a screen reader. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      aria-hidden="true"
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.4"
      stroke-linecap="round"
      stroke-linejoin="round"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
