--[[ pass_withdraw: a newer issue has fewer codes: the pages of those that it leaves out are replaced by its first page.

They are named no more, as where an item is issued again (pass_keep); who has one open is led to that first page. Issued with as
many codes again, an item takes its place back, for its issue is newer. Repeatable: what was withdrawn is said again.

KEYS  1 pn:C (hash)  2 facts (stream)
ARGV  1 offset (ms)  2 D of the first page  3 C  4 field of its item  then the fields of the items that may be left out
RETURNS per field 1 it is left out, 0 there was none, or a newer one stands there
--]]
-- include base
local mine = redis.call('HGET', KEYS[1], ARGV[4])
local ours = mine and split(mine)
local answers = {}
for k = 5, #ARGV do
  local known = ours and ours[3] == ARGV[2] and redis.call('HGET', KEYS[1], ARGV[k])
  local was = known and split(known)
  local number, theirs = ours and tonumber(ours[7] or '0') or 0, was and tonumber(was[7] or '0') or 0
  answers[k - 4] = was and was[3] == ARGV[2] and 1 or 0
  if was and was[3] ~= ARGV[2] and theirs < number then
    redis.call('HSET', KEYS[1], ARGV[k], mine)
    fact(KEYS[2], now_of(KEYS[2], tonumber(ARGV[1])), 'pass_revoked', was[3] .. ' ' .. ARGV[3], 'by=' .. ARGV[2])
    answers[k - 4] = 1
  end
end
return answers
