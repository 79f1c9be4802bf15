// SPDX-License-Identifier: Apache-2.0
// How ranks meet over TCP, and what each is told when they do not.
#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <thread>

#include "core/philox.h"
#include "kernels/cluster/handshake.h"
#include "tests/ranks/sockets.h"

namespace gantry {
namespace {

void expect_parts(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    EXPECT_NE(text.find(part), std::string::npos) << '"' << part << "\" is not in: " << text;
  }
}

// What each of these worlds is told.
std::vector<std::string> told(const std::vector<World>& worlds) {
  std::vector<std::string> said(worlds.size());
  on_threads(static_cast<int>(worlds.size()), [&](int i) {
    said[static_cast<size_t>(i)] = joining(worlds[static_cast<size_t>(i)]);
  });
  return said;
}

TEST(Rendezvous, ListsTheRanksThatNeverJoinedToAll) {
  const int port = free_port();
  const auto said = told({place_at(port, 0, 4, 1), place_at(port, 2, 4, 1)});
  for (const std::string& text : said) {
    expect_parts(text, {"rank 1, rank 3 never joined rank 0 on ", concat("127.0.0.1:", port),
                        "within 1 s (2 of 4 are here)"});
  }
}

TEST(Rendezvous, WaitsForTheLate) {
  const int port = free_port();
  std::vector<std::string> said(3);
  on_threads(3, [&](int rank) {
    std::this_thread::sleep_for(std::chrono::milliseconds(400 * (2 - rank)));  // rank 0 comes last
    said[static_cast<size_t>(rank)] = joining(place_at(port, rank, 3));
  });
  EXPECT_EQ(said, std::vector<std::string>(3));
}

TEST(Rendezvous, NamesARankThatIsThereTwice) {
  const int port = free_port();
  const auto said = told({place_at(port, 0, 3), place_at(port, 1, 3), place_at(port, 1, 3)});
  for (const std::string& text : said) {
    expect_parts(text, {"rank 1 on ", "(127.0.0.1:", "is there twice"});
  }
}

TEST(Rendezvous, NamesWhoCountsOtherRanks) {
  const int port = free_port();
  for (const std::string& text : told({place_at(port, 0, 2), place_at(port, 1, 3)})) {
    expect_parts(text, {"rank 1 on ", "counts 3 ranks, rank 0 on ", "counts 2"});
  }
}

TEST(Rendezvous, TurnsAwayAnotherJobAndGoesOn) {
  const int port = free_port();
  World other = place_at(port, 1, 2);
  other.job = "other";
  std::vector<std::string> said(2);
  std::string refused;
  on_threads(2, [&](int rank) {
    if (rank == 1) {
      refused = joining(other);
      said[1] = joining(place_at(port, 1, 2));
    } else {
      said[0] = joining(place_at(port, 0, 2));
    }
  });
  expect_parts(refused, {concat("127.0.0.1:", port), "job \"test\" meets here", "rank 1 on ",
                         "is of job \"other\""});
  EXPECT_EQ(said, std::vector<std::string>(2));
}

TEST(Rendezvous, SaysThatThePortIsTaken) {
  const Socket taken = listen_at("127.0.0.1", 0);
  expect_parts(joining(place_at(taken.local_port(), 0, 2)),
               {concat("cannot listen at port ", taken.local_port()), "Address already in use"});
}

TEST(Rendezvous, SaysThatAHostIsUnknown) {
  World world = place_at(4711, 1, 2, 1);
  world.host = "-nowhere-";  // no name of a host: known without asking anybody
  expect_parts(joining(world), {"rank 1 on ", "-nowhere-:4711", "within 1 s", "known"});
}

TEST(Rendezvous, SaysThatNobodyListens) {
  const int port = free_port();
  expect_parts(joining(place_at(port, 1, 2, 1)),
               {"rank 1 on ", concat("127.0.0.1:", port), "Connection refused"});
}

TEST(Rendezvous, SaysWhereThePlaceIsMissing) {
  World world = place_at(0, 0, 2);
  world.host.clear();
  expect_parts(joining(world), {"does not say where they meet", "MASTER_ADDR", "--rendezvous"});
  world = place_at(4711, 0, 2);
  world.job = std::string(kMostJobCharacters + 1, 'j');
  expect_parts(joining(world), {"128 characters", "--job-id"});
}

// In place of rank 0: answers with `reply`, or not at all.
std::string joining_instead(std::span<const uint8_t> reply) {
  const Socket listener = listen_at("127.0.0.1", 0);
  std::string said;
  on_threads(2, [&](int i) {
    const Deadline deadline(20);
    if (i == 1) {
      said = joining(place_at(listener.local_port(), 1, 2, 1));
      return;
    }
    ASSERT_TRUE(wait_for(listener, POLLIN, deadline));
    const Socket guest = accept_from(listener);
    std::array<uint8_t, Hello::kBytes> hello{};
    EXPECT_EQ(receive_all(guest, hello, deadline), Transfer::kDone);
    EXPECT_EQ(send_all(guest, reply, deadline), Transfer::kDone);
    uint8_t end = 0;
    receive_all(guest, {&end, 1}, deadline);  // until the other side gives up
  });
  return said;
}

TEST(Rendezvous, SaysThatSomethingElseListens) {
  const std::string banner = "SSH-2.0-OpenSSH_9.2\r\n";
  expect_parts(joining_instead({reinterpret_cast<const uint8_t*>(banner.data()), banner.size()}),
               {"rank 1 on ", "what listens at 127.0.0.1:", "is no gantry", "SSH-2.0-Open"});
  expect_parts(joining_instead({}), {"what listens at 127.0.0.1:", "does not answer"});
  Answer other;
  other.version = 7;
  expect_parts(joining_instead(encode(other)), {"rank 0 at 127.0.0.1:", "speaks version 7"});
}

std::string answer_to(int port, const Hello& hello) {
  const Deadline deadline(20);
  const Socket socket = connect_to("127.0.0.1", port, deadline);
  EXPECT_EQ(send_all(socket, encode(hello), deadline), Transfer::kDone);
  std::array<uint8_t, Answer::kBytes> bytes{};
  EXPECT_EQ(receive_all(socket, bytes, deadline), Transfer::kDone);
  return decode_answer(bytes).text;
}

TEST(Rendezvous, SurvivesWhatIsNoHandshake) {
  const int port = free_port();
  std::vector<std::string> said(2);
  on_threads(3, [&](int i) {
    if (i == 0) said[0] = joining(place_at(port, 0, 2, 60));
    if (i != 2) return;
    Hello hello;
    hello.version = 2;
    expect_parts(answer_to(port, hello), {"version 1", "version 2"});
    const RandomKey key = random_key(3, Purpose::kShuffle);
    std::vector<Socket> idle;
    for (uint64_t round = 0; round < 100; ++round) {
      Socket socket = connect_to("127.0.0.1", port, Deadline(20));
      hello = {.size = 2, .rank = 1, .port = 1, .job = "test", .host = "x"};
      auto bytes = encode(hello);
      const PhiloxBlock block = random_block(key, round, 0, 0);
      // Broken openings, cut messages, ranks and ports that there are not.
      if (round % 4 == 0)
        bytes[block.v[0] % kOpeningBytes] ^= static_cast<uint8_t>(1 + block.v[1] % 255);
      if (round % 4 == 1) bytes[16 + round % 3] ^= static_cast<uint8_t>(2 + block.v[1] % 254);
      if (round % 4 == 2) std::fill_n(bytes.begin() + 20, 4, uint8_t{0xff});
      const size_t length = round % 4 == 3 ? block.v[2] % bytes.size() : bytes.size();
      send_all(socket, std::span(bytes).first(length), Deadline(20));
      if (round % 8 == 7) idle.push_back(std::move(socket));
    }
    said[1] = joining(place_at(port, 1, 2, 60));
  });
  EXPECT_EQ(said, std::vector<std::string>(2));
}

TEST(Rendezvous, MeetsOverIpV6) {
  World first = place_at(0, 0, 2);
  first.host = "::1";
  try {
    first.port = listen_at(first.host, free_port()).local_port();
  } catch (const EnvironmentError&) {
    GTEST_SKIP() << "IPv6 was not tried: this machine has none";
  }
  World second = first;
  second.rank = 1;
  EXPECT_EQ(told({first, second}), std::vector<std::string>(2));
}

TEST(Handshake, KeepsWhatIsSaid) {
  const Hello hello = decode_hello(
      encode(Hello{.size = 8, .rank = 5, .port = 40000, .job = "cats.1", .host = "node7"}));
  EXPECT_EQ(hello.size, 8U);
  EXPECT_EQ(hello.rank, 5U);
  EXPECT_EQ(hello.port, 40000U);
  EXPECT_EQ(hello.job, "cats.1");
  EXPECT_EQ(hello.host, "node7");
  const RosterEntry entry = decode_entry(
      encode(RosterEntry{.address = "fd00::5", .host = std::string(99, 'h'), .port = 7}));
  EXPECT_EQ(entry.address, "fd00::5");
  EXPECT_EQ(entry.host, std::string(kMostHostCharacters, 'h'));
  EXPECT_EQ(decode_answer(encode(Answer{.text = "a\nb"})).text, "a.b") << "a line stays one";
}

}  // namespace
}  // namespace gantry
