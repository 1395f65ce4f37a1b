-- A conversation is a hash cv:V:
--   c contact, b brand, a address, s sender, st state, o owner ('' none), oat owner since, ep epoch, q queue, op opened,
--   w the contact waits since ('' nobody waits), li last inbound, lo last of ours, n inbound count, rev revision,
--   res resolved at, by who resolved, pv previous conversation, re reopened, own last owner, u:M what was decided about M,
--   nd:M why M did not arrive,
--   sw the contact waits since for whoever holds the thread instead of us ('' nobody does), la a person answered outside the desk
--   of a team (all may be missing): qe stands in its queue since, bs boost (s), bw why, stk sticky agent, stu until (ms),
--   au '1': the house said something by itself, and no person was ushered in since,
--   lx the language of their last message where it is another than lg,
--   x:G agent G is not given it until (ms), rt wants its own agent back since, pu parked until, pk its place was had at, wu wrap-up until,
--   ofa offered to, ofm since, tc changed hands, rc reason, cm complaint due (ms),
--   cn '1': an agent said that it is none, which its words do not overrule, sf safety, lg language,
--   mf a minute of theirs began, mn messages in it, ff a flood was last told of (ms),
--   who they are (lua/conv_identity.lua, lua/conv_prove.lua): iv shown at ('' not), ih heard since then without half an hour's
--   silence, iw how, ia how the last asking stands, ib since, iy why it failed, ic for which act, it hash of its link's token,
--   ig act that may be done, iu until (ms), ie a supervisor took it back at (ms),
--   hu '1': a person of ours spoke, k:G asked of colleague G until (ms), bt token of the slot by which it last became live
-- Its entries are a stream ct:V: h = 1|kind|at|author|message|origin|key|again|form, b = sealed body.
-- Every change raises rev and puts V into vd, from where the desk's lists are brought up to date and V is taken out again:
-- the desk lies in another partition, so it follows, and a crash between the two is mended by whoever sweeps vd.
local function conv_read(key)
  local raw = redis.call('HGETALL', key)
  if #raw == 0 then return nil end
  local conv = {}
  for k = 1, #raw, 2 do conv[raw[k]] = raw[k + 1] end
  return conv
end
local LIVE = {assigned = true, active = true, wrapup = true}
-- The one place that writes states. Live is what takes a slot of an agent's: it is entered with a slot's token (lua/conv_bind.lua)
-- or not at all, whatever a script thinks.
local function conv_write(cv, vd, vo, id, conv, changes)
  local was, st = conv.st or '', changes.st or conv.st
  if LIVE[st] and not LIVE[was] and not changes.bt then error('a live state without a slot: ' .. was .. ' to ' .. st) end
  local rev = tonumber(conv.rev or '0') + 1
  changes.rev = text(rev)
  local flat = {}
  for name, value in pairs(changes) do
    conv[name] = value
    flat[#flat + 1] = name
    flat[#flat + 1] = value
  end
  redis.call('HSET', cv, unpack(flat))
  redis.call('ZADD', vd, text(rev), id)
  if conv.st == 'resolved' then redis.call('ZREM', vo, id) else redis.call('ZADD', vo, conv.op, id) end
end
-- How it stands now, behind a fact of what was done with it: other programs are told by the fact alone (insight/desk_hooks.py).
-- before: the queue that it was in ('' or nil: in none).
local function stands(conv, before)
  local moved = before and before ~= '' and before ~= conv.q
  return ' q=' .. conv.q .. ' brand=' .. conv.b .. ' st=' .. conv.st .. ' epoch=' .. conv.ep .. ' o=' .. conv.o
    .. (moved and (' fq=' .. before) or '')
end
-- keys: cv, ct, co, vs. A resolved conversation is kept for a time and then forgotten; an unresolved one never.
local function conv_keep(keys, resolved, ms)
  for _, key in ipairs(keys) do
    if resolved then redis.call('PEXPIRE', key, ms) else redis.call('PERSIST', key) end
  end
end
-- What a message says of itself: words that cannot wait ('' none) and what they count in a queue (s), until when a complaint is due
-- ('' none), its language ('' nobody could say) and the person's usual one. One message in another language may be a quotation
-- (lx), the second one in a row is a change.
local function conv_listen(conv, changes, safety, boost, due, language, usual)
  if safety ~= '' then
    changes.sf = safety
    if (tonumber(changes.bs or conv.bs or '') or 0) < tonumber(boost) then changes.bs, changes.bw = boost, 'safety' end
  end
  if due ~= '' and (conv.cm or '') == '' and (changes.cn or conv.cn or '') == '' then changes.cm = due end
  if (conv.lg or '') == '' then
    changes.lg = language ~= '' and language or usual
  elseif language ~= '' then
    local again = language ~= conv.lg and language == (conv.lx or '')
    if again then changes.lg = language end
    changes.lx = (again or language == conv.lg) and '' or language
  end
end
-- Offers rest until the last of a contact's complaints with a brand is due: cx:BRAND in their facts, and each one's own date beside
-- it (cp:V = due|BRAND; '' takes it away). What stands in cx and is nobody's by that, an older version wrote: it is kept where this
-- one did not ask for it (`asked`, its date before).
local function complained(f, id, brand, due, asked, now)
  if due ~= '' then redis.call('HSET', f, 'cp:' .. id, due .. '|' .. brand) else redis.call('HDEL', f, 'cp:' .. id) end
  local last, raw = 0, redis.call('HGETALL', f)
  local held = 0
  for k = 1, #raw, 2 do
    if string.sub(raw[k], 1, 3) == 'cp:' then
      local at, whose = string.match(raw[k + 1], '^(%d+)|(.*)$')
      if tonumber(at) + 172800000 < now then redis.call('HDEL', f, raw[k])
      elseif whose == brand then last = math.max(last, tonumber(at)) end
    elseif raw[k] == 'cx:' .. brand then
      held = tonumber(raw[k + 1])
    end
  end
  if held > last and held > (tonumber(asked) or 0) then last = held end
  if last > 0 then redis.call('HSET', f, 'cx:' .. brand, text(last)) else redis.call('HDEL', f, 'cx:' .. brand) end
end
-- Whether a word is one of several, which stand with a space between.
local function among(words, word)
  return string.find(' ' .. words .. ' ', ' ' .. word .. ' ', 1, true) ~= nil
end
-- More messages in a minute than anybody writes by hand: whether that is to be told now. Minutes begin with a message.
local function flooded(conv, changes, at, most, window, again)
  local began = tonumber(conv.mf or '') or 0
  local fresh = at < began or at - began >= window
  changes.mf = fresh and text(at) or conv.mf
  changes.mn = fresh and '1' or text(tonumber(conv.mn or '0') + 1)
  if tonumber(changes.mn) <= most or at - (tonumber(conv.ff or '') or 0) < again then return false end
  changes.ff = text(at)
  return true
end
local function conv_entry(ct, at, kind, author, message, origin, key, again, form, body)
  return redis.call('XADD', ct, '*', 'h',
    table.concat({'1', kind, text(at), author, message, origin, key, again, form}, '|'), 'b', body)
end
-- A command RETURNS {done | again, rev, epoch, entry id, M} | {refused, code, owner, since, state, epoch} | {unknown}
local function refused(code, conv)
  return {'refused', code, conv.o, conv.oat, conv.st, conv.ep}
end
-- A command's first answer, kept under its idempotency key: the second time it is given again.
local function answered(ik, digest, conv)
  local raw = redis.call('GET', ik)
  if not raw then return nil end
  local parts = split(raw)
  if parts[1] ~= digest then return refused('key_reused', conv) end
  redis.call('PEXPIRE', ik, redis.call('PTTL', ik)) -- a write: the caller may wait for a replica to have it
  return {'again', parts[2], parts[3], parts[4], parts[5]}
end
local function answer(ik, digest, ttl, conv, entry, message)
  redis.call('SET', ik, digest .. '|' .. conv.rev .. '|' .. conv.ep .. '|' .. entry .. '|' .. message, 'PX', ttl)
  return {'done', conv.rev, conv.ep, entry, message}
end
-- Only the owner, under the epoch they saw.
local function not_theirs(conv, agent, epoch)
  if conv.st == 'resolved' then return refused('resolved', conv) end
  if conv.o ~= agent or conv.ep ~= epoch then return refused('owner_changed', conv) end
  return nil
end
-- The largest single reason to go first counts; seconds may be below nothing.
local function boosted(conv, changes, why, seconds)
  if why == '' then return end
  if (conv.bw or '') == '' or tonumber(seconds) > tonumber(conv.bs) then changes.bw, changes.bs = why, seconds end
end
-- Nobody's, in its queue, with its age. What was agreed with its agent is over.
local function to_queue(conv, changes, now)
  changes.st, changes.o, changes.oat, changes.ep = 'queued', '', text(now), text(tonumber(conv.ep) + 1)
  if conv.w == '' then changes.w = text(now) end
  if (conv.qe or '') == '' then changes.qe = text(now) end
  changes.rt, changes.pu, changes.wu, changes.ofa, changes.ofm, changes.stk, changes.stu = '', '', '', '', '', '', ''
end
-- What was done is not: nobody was asked to have it, why they wrote is open, and it has not changed hands yet.
local function reopen(conv, changes)
  changes.res, changes.by, changes.rc, changes.tc, changes.cn = '', '', '', '0', ''
  changes.re = text(tonumber(conv.re) + 1)
end
-- Done, by whom.
local function to_resolved(conv, changes, now, by)
  changes.st, changes.o, changes.oat, changes.ep = 'resolved', '', text(now), text(tonumber(conv.ep) + 1)
  changes.res, changes.by, changes.w, changes.sw, changes.qe = text(now), by, '', '', ''
  changes.rt, changes.pu, changes.wu, changes.ofa, changes.ofm, changes.stk, changes.stu = '', '', '', '', '', '', ''
  changes.bw, changes.bs = '', '0'
end
-- How long they have waited since they asked for a person, '' where nobody waits: once, for the first who answers.
local function waited(conv, now)
  if (conv.qe or '') == '' then return '' end
  return text(math.max(0, now - tonumber(conv.qe)))
end
