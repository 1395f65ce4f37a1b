--[[ conv_finish: the owner lets a conversation go: resolved, or back into its queue with its age.

One step with the epoch. A finish also says how often the contact had written when it was decided: words that came in between
would otherwise be resolved unread.

KEYS  1 cv:V  2 ct:V  3 ik:V:hash  4 facts  5 vd  6 vo  7 co:C:hash  8 vs:C
ARGV  1 offset (ms)  2 V  3 agent  4 epoch seen  5 digest  6 keep the answer (ms)  7 'resolved' or 'queued'
      8 inbound seen ('' not said)  9 keep resolved (ms)
RETURNS as conv_take
--]]
-- include base
-- include conv
local conv = conv_read(KEYS[1])
if not conv then return {'unknown'} end
local first = answered(KEYS[3], ARGV[5], conv)
if first then return first end
local other = not_theirs(conv, ARGV[3], ARGV[4])
if other then return other end
if ARGV[7] == 'resolved' and ARGV[8] ~= '' and ARGV[8] ~= conv.n then return refused('they_wrote', conv) end
local now = now_of(KEYS[4], tonumber(ARGV[1]))
local ids = ARGV[2] .. ' ' .. conv.c
local changes = {o = '', oat = text(now), ep = text(tonumber(conv.ep) + 1), st = ARGV[7]}
if ARGV[7] == 'resolved' then
  changes.res, changes.by, changes.w, changes.sw = text(now), ARGV[3], '', ''
  fact(KEYS[4], now, 'resolved', ids, 'by=' .. ARGV[3] .. ' epoch=' .. changes.ep)
else
  if conv.w == '' then changes.w = text(now) end
  fact(KEYS[4], now, 'released', ids, 'agent=' .. ARGV[3] .. ' epoch=' .. changes.ep .. ' q=' .. conv.q)
end
conv_write(KEYS[1], KEYS[5], KEYS[6], ARGV[2], conv, changes)
if conv.st == 'resolved' then conv_keep({KEYS[1], KEYS[2], KEYS[7], KEYS[8]}, true, ARGV[9]) end
return answer(KEYS[3], ARGV[5], ARGV[6], conv, '', '')
