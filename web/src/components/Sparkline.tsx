interface Props {
  values: number[];
  /** What it shows, for those who cannot see it. */
  label: string;
  width?: number;
  height?: number;
  /** The newest is another colour. */
  newest?: boolean;
}

/** Small bars over time, the newest at the right; the highest fills the height. */
export function Sparkline({ values, label, width = 96, height = 20, newest = false }: Props) {
  const most = values.reduce((one, other) => Math.max(one, other), 0);
  const step = width / Math.max(1, values.length);
  return (
    <svg class="sparkline" role="img" aria-label={label} width={width} height={height}>
      {values.map((value, at) => {
        const size = most > 0 && value > 0 ? Math.max(1.5, (value / most) * height) : 0;
        return (
          size > 0 && (
            <rect
              key={at}
              class={newest && at === values.length - 1 ? "newest" : undefined}
              x={at * step}
              y={height - size}
              width={Math.max(1, step - 0.5)}
              height={size}
            />
          )
        );
      })}
      <path d={`M0 ${height - 0.5}H${width}`} />
    </svg>
  );
}
