import type { Settings } from "../../core/config/settings.ts";
import type { OperatorEvent } from "../../core/operator/event.ts";
import type { Service } from "../service.ts";
import { DeviceWatch } from "./device-watch.ts";
import { type LearnedRoute, RouteWatch } from "./route-watch.ts";
import { Routes } from "./routes.ts";

export interface DeviceSurroundings {
  /** The device that stands; undefined while there is none. */
  readonly device: () => string | undefined;
  /** It is not there any more. */
  readonly gone: () => void;
  /** Others may have changed it, or what is around it: beside the routes, who else has something to look after? */
  readonly changed: () => void;
  readonly learned: (routes: readonly LearnedRoute[]) => void;
  readonly tell: (event: OperatorEvent) => void;
}

/** What looks after the overlay's device and its routes. */
export interface DeviceServices {
  readonly routes: Routes;
  /** In the order of their start. */
  readonly services: readonly Service[];
  /** The device is another one. */
  readonly isUp: () => void;
}

/** Makes them; they begin as services do. */
export function deviceServices(settings: Settings, surroundings: DeviceSurroundings): DeviceServices {
  const routes = new Routes(settings, surroundings);
  const learned = new RouteWatch(settings, surroundings);
  const changed = (): void => {
    surroundings.changed();
    routes.lookAgain();
  };
  const watch = new DeviceWatch(settings, { ...surroundings, changed });
  const services = [routes, learned, watch];
  const isUp = (): void => {
    for (const service of services) service.deviceIsUp();
  };
  return { routes, services, isUp };
}
