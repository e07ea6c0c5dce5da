import type { DeviceAdvice } from "../platform.ts";

export const ADVICE: DeviceAdvice = {
  permitTun: (binary) => `run lacis as root (sudo lacis run …), or once: sudo setcap cap_net_admin+ep ${binary}`,
  freeTun: () => "stop what uses it (ip link show), or change tun.dev",
  loadTun: () => "load the driver: sudo modprobe tun - or set tun.disabled on a lighthouse",
  examineTun: () => "see what the kernel says: dmesg | tail",
  permitPort: (binary) =>
    `choose listen.port above 1023, or once: sudo setcap cap_net_admin,cap_net_bind_service+ep ${binary}`,
  freePort: (port) => `find it with: ss -ulpn 'sport = :${port}' - then stop it, or change listen.port`,
};
