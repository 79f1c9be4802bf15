// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/world.h"
#include "kernels/cluster/handshake.h"
#include "kernels/cluster/links.h"
#include "kernels/cluster/socket.h"

namespace gantry {

// A connection that has not said yet who it is.
struct Guest {
  Socket socket;
  Deadline deadline;
  std::array<uint8_t, Hello::kBytes> bytes{};
  size_t got = 0;
};

// Rank 0 while the others come.
class Reception {
 public:
  Reception(const World& world, Hello own);
  // Returns when all are there, by rank. EnvironmentError, which those that are there hear, too.
  std::vector<Peer> receive(const Deadline& deadline);

 private:
  void poll_all(const Deadline& deadline);
  void admit();
  // Whether the guest has left: it is one of the ranks now, refused, or a stranger.
  bool hear(Guest& guest);
  bool judge(Guest& guest, const Hello& hello);
  void refuse(const Guest& guest, const std::string& text);
  void let_go_of_the_lost();
  [[noreturn]] void end(const std::string& text);
  std::string missing() const;
  size_t joined() const;

  const World& world_;
  const Hello own_;
  Socket listener_;
  std::vector<Guest> guests_;
  std::vector<Peer> peers_;
  std::vector<RosterEntry> roster_;
  std::string note_;  // what else came
};

}  // namespace gantry
