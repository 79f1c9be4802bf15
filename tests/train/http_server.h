// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace gantry::testing {

// An HTTP server on the loopback, one request per connection, ended with the test.
class HttpServer {
 public:
  struct Request {
    std::string path;
    long from = 0;  // of a range request
  };
  struct Answer {
    int status = 200;
    std::string body;
    std::string headers;  // further lines, each with \r\n
    long announced = -1;  // Content-Length when it is to lie; the connection ends after body
  };
  using Handler = std::function<Answer(const Request&)>;

  explicit HttpServer(Handler handler) : handler_(std::move(handler)) {
    socket_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    if (socket_ < 0 || ::bind(socket_, plain, length) != 0 || ::listen(socket_, 8) != 0 ||
        ::getsockname(socket_, plain, &length) != 0) {
      throw std::runtime_error("no loopback socket");
    }
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/";
    thread_ = std::thread([this] { serve(); });
  }
  ~HttpServer() {
    stopping_ = true;
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  const std::string& url() const { return url_; }
  std::vector<Request> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve() {
    while (!stopping_) {
      const int client = ::accept(socket_, nullptr, nullptr);
      if (client < 0) continue;
      answer(client);
      ::close(client);
    }
  }

  void answer(int client) {
    std::string text;
    char buffer[4096];
    while (text.find("\r\n\r\n") == std::string::npos) {
      const ssize_t got = ::recv(client, buffer, sizeof buffer, 0);
      if (got <= 0) return;
      text.append(buffer, static_cast<size_t>(got));
    }
    Request request;
    const size_t slash = text.find('/');
    request.path = text.substr(slash + 1, text.find(' ', slash) - slash - 1);
    const size_t range = text.find("Range: bytes=");
    if (range != std::string::npos) request.from = std::stol(text.substr(range + 13));
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    const Answer answer = handler_(request);
    const long length =
        answer.announced >= 0 ? answer.announced : static_cast<long>(answer.body.size());
    const std::string reply =
        "HTTP/1.1 " + std::to_string(answer.status) +
        " X\r\nConnection: close\r\nContent-Length: " + std::to_string(length) + "\r\n" +
        answer.headers + "\r\n" + answer.body;
    for (size_t sent = 0; sent < reply.size();) {
      const ssize_t got = ::send(client, reply.data() + sent, reply.size() - sent, MSG_NOSIGNAL);
      if (got <= 0) return;
      sent += static_cast<size_t>(got);
    }
  }

  Handler handler_;
  int socket_ = -1;
  std::string url_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::vector<Request> requests_;
  std::thread thread_;
};

}  // namespace gantry::testing
