#include "bus/base/crypto.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "bus/base/id.hpp"
#include "bus/base/time.hpp"

namespace holdpoint {
namespace {

TEST(Crypto, HashesAsPublished) {
  EXPECT_EQ(to_hex(view(sha256("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  // RFC 4231, test case 2.
  EXPECT_EQ(to_hex(view(hmac_sha256("Jefe", "what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  // Test case 6: a key longer than a block.
  EXPECT_EQ(to_hex(view(hmac_sha256(Bytes(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"))),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_NE(hmac_sha256("", "x"), hmac_sha256("Jefe", "x"));
  Sha256 hash;
  hash.update("a");
  hash.update("bc");
  EXPECT_EQ(hash.finish(), sha256("abc"));
  EXPECT_EQ(hash.finish(), sha256(""));
}

TEST(Crypto, AnEmptyKeyDoesNotReuseTheLastOne) {
  const Hash empty_first = hmac_sha256("", "x");
  (void)hmac_sha256("secret", "x");
  EXPECT_EQ(hmac_sha256("", "x"), empty_first);
}

TEST(Crypto, SignaturesFailOnAnyFlippedByte) {
  const SigningKey key = SigningKey::generate();
  const Bytes signature = key.sign("message");
  EXPECT_TRUE(verify_ed25519(key.public_key(), "message", signature));
  for (std::size_t i = 0; i < signature.size(); ++i) {
    Bytes broken = signature;
    broken[i] = static_cast<char>(broken[i] ^ 1);
    EXPECT_FALSE(verify_ed25519(key.public_key(), "message", broken));
  }
  EXPECT_FALSE(verify_ed25519(key.public_key(), "Message", signature));
  EXPECT_FALSE(verify_ed25519("short", "message", signature));
}

TEST(Crypto, SealedTextIsBoundToKeyAndContext) {
  const Bytes key = random_bytes(32);
  const Bytes sealed = seal(key, "context", "plain");
  EXPECT_EQ(unseal(key, "context", sealed).value(), "plain");
  EXPECT_EQ(unseal(key, "other", sealed).error().code, Code::tampered);
  EXPECT_EQ(unseal(random_bytes(32), "context", sealed).error().code, Code::tampered);
  EXPECT_EQ(unseal(key, "context", "").error().code, Code::tampered);
  const BoxKey box = generate_box_key();
  EXPECT_EQ(unseal_with(box, seal_to(box.public_key, "plain")).value(), "plain");
  EXPECT_TRUE(unseal_with(generate_box_key(), seal_to(box.public_key, "plain")).has_error());
}

TEST(Crypto, TellsWhetherTextsAreEqual) {
  const Bytes secret(40, 's');
  for (std::size_t at = 0; at < secret.size(); ++at) {
    Bytes other = secret;
    other[at] = 't';
    EXPECT_FALSE(constant_time_equal(secret, other)) << at;
    EXPECT_FALSE(constant_time_equal(secret, BytesView(secret).substr(0, at))) << at;
  }
  EXPECT_TRUE(constant_time_equal(secret, Bytes(secret)));
  EXPECT_TRUE(constant_time_equal("", ""));
}

TEST(Time, WritesYearsThatHaveNotFourDigits) {
  const Instant first = from_rfc3339("0000-01-01T00:00:00Z").value();
  EXPECT_EQ(to_rfc3339(first), "0000-01-01T00:00:00.000000Z");
  EXPECT_EQ(to_rfc3339(from_rfc3339("0000-01-01T00:00:00+00:01").value()), "-1-12-31T23:59:00.000000Z");
  EXPECT_EQ(to_rfc3339(from_rfc3339("9999-12-31T23:59:59.999999-00:01").value()), "10000-01-01T00:00:59.999999Z");
}

TEST(Time, ReadsAndWritesRfc3339) {
  const Instant instant = from_unix_ms(1'761'998'400'123);
  EXPECT_EQ(from_rfc3339(to_rfc3339(instant)), instant);
  EXPECT_EQ(to_rfc3339(from_rfc3339("2026-11-01T13:00:00+01:00").value()), "2026-11-01T12:00:00.000000Z");
  for (const char* bad : {"2026-11-01", "2026-02-30T00:00:00Z", "2026-11-01T00:00:00", "2026-11-01T00:00:00.Z", ""}) {
    EXPECT_FALSE(from_rfc3339(bad)) << bad;
  }
  EXPECT_EQ(parse_duration("15m"), std::chrono::minutes(15));
  for (const char* bad : {"", "15", "-1s", "0s", "1y", "99999999999d", "m"}) EXPECT_FALSE(parse_duration(bad)) << bad;
  EXPECT_EQ(to_text(std::chrono::minutes(90)), "90m");
}

TEST(Id, IsNeverGivenOutTwiceNotByAChildEither) {
  RandomIdSource ids;
  const Instant now = from_unix_ms(1000);
  std::set<Id> seen;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(ids.next(now)).second);
  int channel[2];
  ASSERT_EQ(::pipe(channel), 0);
  if (const pid_t child = ::fork(); child == 0) {
    const Id theirs = ids.next(now);
    ::_exit(::write(channel[1], theirs.bytes.data(), theirs.bytes.size()) == 16 ? 0 : 1);
  } else {
    int status = 1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
  }
  Id theirs;
  ASSERT_EQ(::read(channel[0], theirs.bytes.data(), theirs.bytes.size()), 16);
  EXPECT_NE(ids.next(now), theirs);
}

TEST(Id, SortsByTimeAndRoundTrips) {
  RandomIdSource ids;
  const Id first = ids.next(from_unix_ms(1000));
  const Id second = ids.next(from_unix_ms(2000));
  EXPECT_LT(first, second);
  EXPECT_EQ(id_from_text(to_text(first)), first);
  EXPECT_FALSE(id_from_text("0190-"));
}

}  // namespace
}  // namespace holdpoint
