import { Component, type ComponentChildren } from "preact";
import { Failure } from "../api/client";
import { Failed } from "./States";

interface Props {
  children: ComponentChildren;
}

/** Keeps the rest of the screen when a page fails to be drawn, and says so. */
export class Guard extends Component<Props, { failure?: Failure }> {
  static override getDerivedStateFromError(error: unknown) {
    return { failure: new Failure(0, "This page cannot be drawn", String(error)) };
  }

  override componentDidCatch(error: unknown): void {
    console.error(error);
  }

  render() {
    const { failure } = this.state;
    return failure ? (
      <Failed failure={failure} retry={() => window.location.reload()} />
    ) : (
      this.props.children
    );
  }
}
