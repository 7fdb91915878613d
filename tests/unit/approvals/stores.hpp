// The stores that the same tests run against.
#pragma once

#include <memory>
#include <string>

#include "approvals/memory_store.hpp"
#include "approvals/postgres/postgres_store.hpp"
#include "tests/support/private_postgres.hpp"

namespace holdpoint::approvals::samples {

/// Two views of one store.
class Stores {
 public:
  explicit Stores(const std::string& kind) {
    if (kind == "memory") {
      first_ = std::make_unique<MemoryStore>();
      return;
    }
    auto& server = holdpoint::testing::PrivatePostgres::shared();
    const std::string database = server.make_database();
    migrate(server.dsn(database)).value();
    dsn_ = server.dsn(database, "holdpoint_approvals");
    first_ = std::make_unique<PostgresStore>(dsn_);
    second_ = std::make_unique<PostgresStore>(dsn_);
  }
  ReviewStore& first() { return *first_; }
  ReviewStore& second() { return second_ ? *second_ : *first_; }
  [[nodiscard]] const std::string& dsn() const { return dsn_; }

 private:
  std::string dsn_;
  std::unique_ptr<ReviewStore> first_;
  std::unique_ptr<ReviewStore> second_;
};

}  // namespace holdpoint::approvals::samples
