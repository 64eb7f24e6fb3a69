import { Component, type ComponentChild, type ComponentType, createElement } from "preact";

/** A component that is drawn again only when one of its properties is another value. */
export function memo<P extends object>(draw: (props: P) => ComponentChild): ComponentType<P> {
  return class extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const old = this.props as P;
      for (const name of Object.keys(next) as (keyof P)[]) if (next[name] !== old[name]) return true;
      return Object.keys(next).length !== Object.keys(old).length;
    }

    render(): ComponentChild {
      return createElement(draw as ComponentType<P>, this.props as P);
    }
  };
}
