#include "bus/wire/bundle.hpp"

#include <gtest/gtest.h>

namespace holdpoint::wire {
namespace {

TEST(Bundle, GivesBackWhatWasPutInInOrder) {
  const std::vector<BytesView> parts{"first", "", BytesView("\0\xff", 2), "last"};
  Bytes bundle;
  for (const BytesView part : parts) add_to_bundle(part, bundle);
  EXPECT_EQ(parts_of(bundle, parts.size()), parts);
  EXPECT_EQ(parts_of("", 0), std::vector<BytesView>());
}

TEST(Bundle, OfAnotherCountOrLengthIsNone) {
  Bytes bundle;
  add_to_bundle("first", bundle);
  add_to_bundle("second", bundle);
  for (const std::size_t count : {0, 1, 3}) EXPECT_FALSE(parts_of(bundle, count)) << count;
  for (std::size_t length = 0; length < bundle.size(); ++length) EXPECT_FALSE(parts_of(bundle.substr(0, length), 2));
  EXPECT_FALSE(parts_of(bundle + "x", 2));
  EXPECT_FALSE(parts_of(Bytes("\xff\xff\xff\xff", 4) + "x", 1));
}

TEST(Bundle, OfMorePartsThanTheProtocolAllowsIsNone) {
  Bytes bundle;
  for (std::size_t i = 0; i < kBundlePartsMax; ++i) add_to_bundle("x", bundle);
  EXPECT_TRUE(parts_of(bundle, kBundlePartsMax));
  add_to_bundle("x", bundle);
  EXPECT_FALSE(parts_of(bundle, kBundlePartsMax + 1));
}

}  // namespace
}  // namespace holdpoint::wire
