/**
 * What follows from what, by code: beside a shown one of the second column that is no less, the first one is no trouble of its own. Only what always
 * follows stands here; what follows in one case and not in another is said where the case is known (`Health.because`). No circles.
 */
export const CAUSES: Readonly<Record<string, readonly string[]>> = {
  "lighthouse-down": ["data-plane-down", "certificate-expired", "revoked", "listen-address-missing", "send-refused"],
  "lighthouse-mute": ["data-plane-down", "lighthouse-down"],
  "peer-failed": ["data-plane-down", "certificate-expired", "revoked", "listen-address-missing"],
  "peers-failed": [
    "data-plane-down",
    "certificate-expired",
    "revoked",
    "listen-address-missing",
    "lighthouse-down",
    "send-refused",
  ],
  "gateway-silent": ["data-plane-down", "certificate-expired", "revoked", "listen-address-missing", "send-refused"],
  "certificate-not-shown": ["data-plane-down", "send-refused"],
  "route-missing": ["data-plane-down", "overlay-address-missing"],
  "overlay-address-missing": ["data-plane-down"],
  "device-not-watched": ["data-plane-down"],
  "drop-send-failed": ["send-refused"],
  "drop-parked-expired": ["data-plane-down", "send-refused", "lighthouse-down", "peer-failed"],
  "drop-parked-dropped": ["data-plane-down", "send-refused", "lighthouse-down", "peer-failed"],
  "drop-parked-full": ["data-plane-down", "send-refused", "lighthouse-down", "peer-failed"],
};
