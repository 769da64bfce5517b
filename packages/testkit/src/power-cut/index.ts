export {
  type AllowedStates,
  begin,
  durable,
  type Mark,
  oneOf,
  PowerCutFailure,
  type PowerCutPoint,
  type PowerCutReport,
  type PowerCutRun,
  runPowerCuts,
  type Scenario,
  type Verdict,
} from './linear-runner.ts';
export {
  type ImageOptions,
  PowerCutDevice,
  type PowerCutDeviceOptions,
  type PowerCutPolicy,
  powerCutPolicies,
} from './power-cut-device.ts';
