// A real broker with real keys on a thread of this process, and ports on one io_context.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <thread>

#include "bus/config/keyring.hpp"
#include "bus/socket/port.hpp"
#include "bus/socket/server.hpp"

namespace holdpoint::socket {

namespace asio = boost::asio;
using wire::Message;
using wire::Role;

inline std::filesystem::path scratch_folder() {
  static int count = 0;
  const auto folder =
      std::filesystem::temp_directory_path() / ("hp-bus-" + std::to_string(getpid()) + "-" + std::to_string(count++));
  std::filesystem::create_directories(folder);
  return folder;
}

/// A deployment with a document that admits whoever was issued a key before start().
class TestBus {
 public:
  explicit TestBus(std::string endpoint = {})
      : folder_(scratch_folder()),
        endpoint_(endpoint.empty() ? "ipc://" + (folder_ / "bus").string() : std::move(endpoint)),
        keyring_(config::Keyring::create("test", endpoint_)) {}
  ~TestBus() {
    stop();
    std::filesystem::remove_all(folder_);
  }

  config::PeerIdentity issue(Role role, const std::string& name) {
    auto issued = keyring_.issue(role, name, endpoint_);
    keys_.push_back(issued.key);
    return std::move(issued.identity);
  }

  config::SignedDocument document(std::uint64_t version) const {
    config::Document document;
    document.deployment = "test";
    document.version = version;
    document.keys = keys_;
    document.group_public = keyring_.group_public();
    return config::sign_document(config::document_to_json(document), keyring_.operator_key());
  }

  void start() {
    file_ = std::make_unique<DocumentFile>((folder_ / "document.json").string());
    if (!std::filesystem::exists(folder_ / "document.json")) {
      ASSERT_TRUE(file_->save(document(1)));
    }
    configuration_ = std::make_unique<broker::Configuration>(
        [key = keyring_.operator_key().public_key()](const config::SignedDocument& signed_document) {
          return config::open_document(signed_document, key);
        },
        *file_);
    const auto loaded = configuration_->load();
    ASSERT_TRUE(loaded) << loaded.error().context;
    auto server = Server::open({{endpoint_}, true, {}}, keyring_.issue(Role::broker, "bus").identity, *configuration_);
    ASSERT_TRUE(server) << server.error().context;
    server_ = std::move(*server);
    endpoint_ = server_->endpoints().front();
    thread_ = std::thread([this] { server_->run(); });
  }

  void stop() {
    if (!thread_.joinable()) return;
    server_->stop();
    thread_.join();
    server_.reset();
  }

  const std::string& endpoint() const { return endpoint_; }
  const std::filesystem::path& folder() const { return folder_; }
  const config::Keyring& keyring() const { return keyring_; }
  std::vector<config::PeerKey>& keys() { return keys_; }

 private:
  std::filesystem::path folder_;
  std::string endpoint_;
  config::Keyring keyring_;
  std::vector<config::PeerKey> keys_;
  std::unique_ptr<DocumentFile> file_;
  std::unique_ptr<broker::Configuration> configuration_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

inline Instant within(std::chrono::milliseconds duration) { return system_now() + duration; }

inline asio::awaitable<void> sleep_for(std::chrono::milliseconds duration) {
  asio::steady_timer timer(co_await asio::this_coro::executor, duration);
  co_await timer.async_wait(asio::use_awaitable);
}

inline asio::awaitable<bool> wait_connected(Port& port, std::chrono::milliseconds patience = std::chrono::seconds(5)) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!port.connected() && std::chrono::steady_clock::now() < until) {
    co_await sleep_for(std::chrono::milliseconds(5));
  }
  co_return port.connected();
}

/// Runs one coroutine on `io` until it is done.
inline void run(asio::io_context& io, asio::awaitable<void> work) {
  std::exception_ptr thrown;
  asio::co_spawn(io, std::move(work), [&](std::exception_ptr error) {
    thrown = error;
    io.stop();
  });
  io.run_for(std::chrono::seconds(60));
  io.restart();
  if (thrown) std::rethrow_exception(thrown);
}

/// GCC 12 rejects braced lists inside a co_await expression.
inline Message question(int n, Bytes attachment = {}) {
  Message message{"EchoRequested", Json{{"n", n}}, {}};
  if (!attachment.empty()) message.attachments.push_back(std::move(attachment));
  return message;
}

inline Handler echo_handler() {
  return [](wire::Envelope request) -> asio::awaitable<Result<Message>> {
    co_return Message{"Echoed", request.message.body, request.message.attachments};
  };
}

}  // namespace holdpoint::socket
