// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace gantry {

// Turns SIGTERM, SIGINT and SIGUSR1 into a request to stop after the step in hand, for as long as
// it lives. A second SIGTERM or SIGINT ends the process at once, as it would without us.
// Signals belong to the process, so at most one exists at a time.
class StopRequest {
 public:
  StopRequest();
  ~StopRequest();
  StopRequest(const StopRequest&) = delete;
  StopRequest& operator=(const StopRequest&) = delete;

  bool received() const;
  const char* signal_name() const;  // "SIGTERM"
};

}  // namespace gantry
