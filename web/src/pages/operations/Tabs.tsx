import type { ComponentChildren } from "preact";
import { link, path } from "../../state/location";
import { KIND_PAGES } from "./kinds";
import "./operations.css";

const PLACES = [...KIND_PAGES, { path: "/workers", title: "Workers" }];

/** The one frame of all kinds of work: a tab for each, and what is shown of it. */
export function Tabs({ children }: { children: ComponentChildren }) {
  return (
    <div class="operations">
      <nav class="tabs operations-tabs" aria-label="Kinds of work">
        {PLACES.map((place) => (
          <a
            key={place.path}
            class="tab"
            href={link(place.path)}
            aria-current={path.value === place.path ? "page" : undefined}
          >
            {place.title}
          </a>
        ))}
      </nav>
      {children}
    </div>
  );
}
