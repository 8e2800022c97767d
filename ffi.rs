// SPDX-License-Identifier: GPL-2.0

//! The border to C (foreign function interface): the helper's registration, and a packet of a
//! connection.
//!
//! C header: `helpers.h`. Every `unsafe` block of the module is in this file.

use crate::counters::{
    Counter,
    GENERAL, //
};
use crate::tls_parser::{
    self,
    Connection,
    Direction,
    Opening,
    Options,
    Policy,
    Reason,
    Reasons,
    Segment, //
};
use core::{
    marker::PhantomData,
    mem::MaybeUninit,
    ops::{
        ControlFlow,
        Deref,
        DerefMut, //
    },
    ptr::NonNull,
    slice, //
};
use kernel::{
    error::to_result,
    ffi::{
        c_int,
        c_uint, //
    },
    prelude::*, //
};

/// What bindgen makes of `helpers.h`.
#[allow(dead_code, missing_docs, non_camel_case_types, unreachable_pub)]
#[allow(clippy::all)]
mod bindings {
    include!(env!("NF_CT_TLS_GENERATED"));
}

// The connection's state fits where conntrack keeps it; `helpers/attach.c` asserts the same of
// conntrack.
const _: () = assert!(size_of::<Connection>() <= bindings::NF_CT_TLS_STATE_SIZE as usize);
const _: () = assert!(align_of::<Connection>() <= bindings::NF_CT_TLS_STATE_ALIGN as usize);

/// The bytes that conntrack keeps for the helper.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
union State {
    connection: Connection,
    words: [u64; bindings::NF_CT_TLS_STATE_SIZE as usize / size_of::<u64>()],
}

// The functions that C calls are what `helpers.h` tells C that they are.
const _: [unsafe extern "C" fn(
    *mut bindings::sk_buff,
    c_uint,
    *mut bindings::nf_conn,
    c_uint,
    c_uint,
) -> c_int; 2] = [nf_ct_tls_help, bindings::nf_ct_tls_help];
const _: [unsafe extern "C" fn(c_uint, *mut c_uint) -> *const u8; 4] = [
    nf_ct_tls_counter_name,
    bindings::nf_ct_tls_counter_name,
    nf_ct_tls_reason_name,
    bindings::nf_ct_tls_reason_name,
];

// There is a counter for each of them.
const _: () = assert!(GENERAL.len() + Reason::ALL.len() <= bindings::NF_CT_TLS_COUNTERS as usize);

/// The helpers, registered with conntrack.
///
/// # Invariants
///
/// The helpers are registered.
struct Registration(());

impl Registration {
    /// Registers them.
    fn new() -> Result<Self> {
        // SAFETY: Called from the module's init, which may sleep.
        to_result(unsafe { bindings::nf_ct_tls_register() })?;
        // INVARIANT: The helpers are registered.
        Ok(Registration(()))
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // SAFETY: By the type invariants it is registered; the module's exit may sleep.
        unsafe { bindings::nf_ct_tls_unregister() };
    }
}

/// The hooks that give the helper to new connections to our ports.
///
/// # Invariants
///
/// The hooks are in force, and the helper is registered.
struct Attachment(());

impl Attachment {
    /// Hooks in; `_helper` is what new connections get.
    fn new(_helper: &Registration) -> Result<Self> {
        // SAFETY: Called from the module's init, which may sleep; the helper is registered.
        to_result(unsafe { bindings::nf_ct_tls_hooks_init() })?;
        // INVARIANT: The hooks are in force.
        Ok(Attachment(()))
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the hooks are in force; the module's exit may sleep.
        unsafe { bindings::nf_ct_tls_hooks_exit() };
    }
}

/// The module's part of each network namespace: counters and a policy, with their files.
///
/// # Invariants
///
/// The namespaces have it.
struct Namespaces(());

impl Namespaces {
    /// Makes it.
    fn new() -> Result<Self> {
        // SAFETY: Called from the module's init, which may sleep.
        to_result(unsafe { bindings::nf_ct_tls_load() })?;
        // INVARIANT: The namespaces have it.
        Ok(Namespaces(()))
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the namespaces have it, and no packet comes any more; the
        // module's exit may sleep.
        unsafe { bindings::nf_ct_tls_nets_exit() };
    }
}

/// All that the module holds of the kernel.
///
/// Fields are dropped in this order: no connection gets the helper any more when it is
/// unregistered.
pub(crate) struct Helper {
    _attachment: Attachment,
    _registration: Registration,
    _namespaces: Namespaces,
}

impl Helper {
    /// Registers the helpers, and lets new connections to the ports of a policy get the first of
    /// them.
    pub(crate) fn new() -> Result<Self> {
        let namespaces = Namespaces::new()?;
        let registration = Registration::new()?;
        Ok(Helper {
            _attachment: Attachment::new(&registration)?,
            _registration: registration,
            _namespaces: namespaces,
        })
    }
}

/// The policy for a packet: its network namespace's, limited by its helper's profile.
pub(crate) struct Wanted<'a> {
    raw: &'a bindings::nf_ct_tls_policy,
    profile: u32,
    /// Whether nothing is dropped.
    pub(crate) passive: bool,
}

impl Wanted<'_> {
    /// What the rules need.
    pub(crate) fn policy(&self) -> Policy {
        let policy = Policy {
            seq_len: self.raw.seq_len,
            heartbeat: self.raw.heartbeat != 0,
            min_version: self.raw.min_version,
            midstream_drop: self.raw.midstream != 0,
            report: Reasons::from_bits(self.raw.report),
            off: Reasons::from_bits(self.raw.off),
            opening: opening(self.profile, self.raw.starttls != 0),
            passive: false,
        };
        if self.passive {
            policy.reporting()
        } else {
            policy
        }
    }

    /// [`Policy::seq_len`].
    #[inline]
    pub(crate) fn seq_len(&self) -> u16 {
        self.raw.seq_len
    }

    /// The bits of the conntrack mark that tell of a broken rule.
    pub(crate) fn mark(&self) -> u32 {
        self.raw.mark
    }

    /// Whether to reset both ends of a condemned connection.
    pub(crate) fn reset(&self) -> bool {
        self.raw.reset != 0
    }

    /// What becomes of a condemned connection.
    pub(crate) fn outcome(&self) -> Broken {
        if self.reset() {
            Broken::Reset
        } else {
            Broken::Dropped
        }
    }
}

/// What comes before TLS where that helper is.
fn opening(profile: u32, required: bool) -> Opening {
    match profile {
        bindings::NF_CT_TLS_PROFILE_STARTTLS if required => Opening::StarttlsRequired,
        bindings::NF_CT_TLS_PROFILE_STARTTLS => Opening::Starttls,
        bindings::NF_CT_TLS_PROFILE_PROXY => Opening::Proxy,
        _ => Opening::Tls,
    }
}

/// What became of a broken rule.
#[derive(Clone, Copy)]
pub(crate) enum Broken {
    /// It is reported, and nothing else.
    Reported,
    /// Its connection is condemned, and dropped.
    Dropped,
    /// Its connection is condemned, and reset.
    Reset,
}

/// A packet's payload.
///
/// # Invariants
///
/// `len` bytes at `offset` are within the packet, which lives for `'a`.
pub(crate) struct Payload<'a> {
    packet: &'a Packet<'a>,
    offset: u32,
    len: u32,
}

impl tls_parser::Payload for Payload<'_> {
    fn read(&mut self, from: u32, to: u32, each: &mut impl FnMut(&[u8]) -> ControlFlow<()>) -> u32 {
        if let Some(piece) = self.piece(from, to) {
            // Whether it breaks off is the caller's affair.
            let _ = each(piece);
            // No more than the payload's length.
            return piece.len() as u32;
        }
        let mut chunks = Chunks::new(self, from, to);
        while let Some(chunk) = chunks.next() {
            if each(chunk).is_break() {
                break;
            }
        }
        chunks.consumed
    }

    fn header_at(&mut self, at: u32) -> Option<[u8; 5]> {
        let mut header = [0; 5];
        // A small constant.
        let len = header.len() as u32;
        if at.checked_add(len)? > self.len {
            return None;
        }
        let offset = self.offset.checked_add(at)?;
        // SAFETY: The packet is valid by its type invariants, and `header` has room for `len`
        // bytes.
        unsafe {
            bindings::nf_ct_tls_peek(self.packet.skb.as_ptr(), offset, header.as_mut_ptr(), len)
        }
        .then_some(header)
    }

    #[inline]
    fn whole(&mut self) -> Option<&[u8]> {
        self.piece(0, self.len)
    }
}

impl Payload<'_> {
    /// The bytes from `from` to `to`, if they lie in one piece.
    #[inline]
    fn piece(&self, from: u32, to: u32) -> Option<&[u8]> {
        let to = to.min(self.len);
        let len = to.saturating_sub(from);
        let offset = self.offset.saturating_add(from.min(to));
        // SAFETY: The packet is valid by its type invariants, and the payload, of which these bytes
        // are a part, lies within it by its own.
        let data = unsafe { bindings::nf_ct_tls_piece(self.packet.skb.as_ptr(), offset, len) };
        let data = NonNull::new(data.cast_mut())?;
        // SAFETY: C promises `len` readable, initialised bytes at `data`. They stay as long as the
        // packet, which is borrowed. For what a sender may write to them see [`Chunks::next`].
        Some(unsafe { slice::from_raw_parts(data.as_ptr(), len as usize) })
    }
}

/// Room for what `nf_ct_tls_segment_of` finds: a segment, and a TCP header that does not lie in one
/// piece.
struct Room {
    segment: MaybeUninit<bindings::nf_ct_tls_segment>,
    header: MaybeUninit<[u8; bindings::NF_CT_TLS_TCP_HEADER as usize]>,
}

/// A segment of a connection that has the helper, as long as conntrack lends it to us.
///
/// # Invariants
///
/// `skb` and `ct` are valid, and for `'a` nobody else changes the packet. `ct` has the helper's
/// extension, which stays where it is for as long as the connection is confirmed or ours, and
/// `state` is the helper's data in it: 32 bytes, 8-aligned, which change under the connection's lock
/// alone. `segment` is what `nf_ct_tls_segment_of` found in the packet.
pub(crate) struct Packet<'a> {
    skb: NonNull<bindings::sk_buff>,
    ct: NonNull<bindings::nf_conn>,
    state: NonNull<State>,
    segment: &'a mut bindings::nf_ct_tls_segment,
    protoff: u32,
    ctinfo: u32,
    profile: u32,
    _lent: PhantomData<&'a mut bindings::sk_buff>,
}

impl<'a> Packet<'a> {
    /// Makes a packet of what conntrack hands to a helper; `None` if its TCP header cannot be read,
    /// or if it is no segment of the connection itself.
    ///
    /// # Safety
    ///
    /// The arguments but `room` are those of [`nf_ct_tls_help`], and are valid for `'a`.
    #[inline]
    unsafe fn from_raw(
        skb: *mut bindings::sk_buff,
        protoff: c_uint,
        ct: *mut bindings::nf_conn,
        ctinfo: c_uint,
        profile: c_uint,
        room: &'a mut Room,
    ) -> Option<Self> {
        // SAFETY: `skb` and `ct` are valid by the safety requirements; `room` may be written.
        let state = unsafe {
            bindings::nf_ct_tls_segment_of(
                skb,
                protoff,
                ct,
                ctinfo,
                room.segment.as_mut_ptr(),
                room.header.as_mut_ptr().cast(),
            )
        };
        let state = NonNull::new(state.cast())?;
        // INVARIANT: By the safety requirements, and by what C returns.
        Some(Packet {
            skb: NonNull::new(skb)?,
            ct: NonNull::new(ct)?,
            state,
            // SAFETY: C has filled it, since it returned no NULL.
            segment: unsafe { room.segment.assume_init_mut() },
            protoff,
            ctinfo,
            profile,
            _lent: PhantomData,
        })
    }

    #[inline]
    fn has(&self, flags: u32) -> bool {
        self.segment.flags & flags != 0
    }

    /// The direction in which the packet travels.
    #[inline]
    pub(crate) fn direction(&self) -> Direction {
        if self.has(bindings::NF_CT_TLS_REPLY) {
            Direction::Reply
        } else {
            Direction::Original
        }
    }

    /// Whether it is a RST.
    #[inline]
    pub(crate) fn is_reset(&self) -> bool {
        self.has(bindings::NF_CT_TLS_RST)
    }

    /// Whether it has no payload.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.segment.len == 0
    }

    /// Whether it is a bare ACK, or a RST without payload: half of all packets, and nothing to
    /// follow.
    #[inline]
    pub(crate) fn is_bare(&self) -> bool {
        let flags = bindings::NF_CT_TLS_SYN | bindings::NF_CT_TLS_FIN | bindings::NF_CT_TLS_URG;
        self.is_empty() && !self.has(flags)
    }

    /// What the options of its TCP header tell.
    fn options(&self) -> Options {
        if self.segment.options.is_null() {
            return Options::UNREADABLE;
        }
        // SAFETY: By the type invariants so many bytes are there: in the packet, which nobody else
        // changes, or in the room of `from_raw`, which is borrowed for `'a`.
        Options::parse(unsafe {
            slice::from_raw_parts(self.segment.options, self.segment.options_len as usize)
        })
    }

    /// The packet's payload.
    pub(crate) fn payload(&self) -> Payload<'_> {
        // INVARIANT: `nf_ct_tls_segment_of` found it within the packet.
        Payload {
            packet: self,
            offset: self.segment.offset,
            len: self.segment.len,
        }
    }

    /// What its network namespace wants, now.
    #[inline]
    pub(crate) fn wanted(&self) -> Wanted<'a> {
        // SAFETY: `ct` is valid by the type invariants, and conntrack lends us packets under
        // `rcu_read_lock()`, so that the policy stays; nobody changes one that is published.
        let raw = unsafe { &*bindings::nf_ct_tls_policy_of(self.ct.as_ptr()) };
        let passive = raw.log_only != 0 || self.profile == bindings::NF_CT_TLS_PROFILE_REPORT;
        Wanted {
            raw,
            profile: self.profile,
            passive,
        }
    }

    /// Why the connection was condemned, if it was. Takes the connection's lock: words read without
    /// it may be of different moments, and two reports that change places look like a verdict.
    pub(crate) fn condemned(&self) -> Option<Reason> {
        self.lock().0.condemned()
    }

    /// Locks the connection, and lends its state, and what conntrack knows of the segment.
    #[inline]
    pub(crate) fn lock(&self) -> (StateGuard<'_>, View) {
        let mut view = MaybeUninit::uninit();
        // SAFETY: `ct` is valid by the type invariants, and its lock is not held by us; `segment`
        // was found in the packet, and `view` is ours to be written.
        unsafe {
            bindings::nf_ct_tls_lock(self.ct.as_ptr(), &*self.segment, view.as_mut_ptr());
        }
        // INVARIANT: The lock is held, and `state` is the helper's data.
        let guard = StateGuard {
            ct: self.ct,
            state: self.state.cast(),
            _packet: PhantomData,
        };
        // SAFETY: C has filled it.
        (guard, View(unsafe { view.assume_init() }))
    }

    /// Whether it has payload and nothing else, and its receiver reads that if it lies where it
    /// should: see [`Connection::follow_data`].
    #[inline]
    pub(crate) fn is_plain(&self, view: &View) -> bool {
        let flags = bindings::NF_CT_TLS_SYN
            | bindings::NF_CT_TLS_FIN
            | bindings::NF_CT_TLS_RST
            | bindings::NF_CT_TLS_URG
            | bindings::NF_CT_TLS_OPAQUE;
        let timely = view.0.ack_lag == 0 && view.0.flags & bindings::NF_CT_TLS_OVERRUNS == 0;
        !self.is_empty() && !self.has(flags) && timely && !self.options().signed
    }

    /// Its sequence number.
    #[inline]
    pub(crate) fn seq(&self) -> u32 {
        self.segment.seq
    }

    /// The segment, with what conntrack knows of it.
    pub(crate) fn segment(&self, view: &View) -> Segment {
        let View(view) = view;
        let sees = |flag| view.flags & flag != 0;
        // Where there is nothing to read, nobody asks.
        let options = if !self.is_empty() || self.has(bindings::NF_CT_TLS_SYN) {
            self.options()
        } else {
            Options::default()
        };
        Segment {
            seq: self.segment.seq,
            ack: self.has(bindings::NF_CT_TLS_ACK).then_some(view.ack),
            len: self.segment.len,
            syn: self.has(bindings::NF_CT_TLS_SYN),
            fin: self.has(bindings::NF_CT_TLS_FIN),
            rst: self.has(bindings::NF_CT_TLS_RST),
            urg: self.has(bindings::NF_CT_TLS_URG),
            signed: options.signed,
            mptcp: options.mptcp,
            opaque: self.has(bindings::NF_CT_TLS_OPAQUE),
            ack_lag: view.ack_lag,
            max_window: view.max_window,
            overruns: sees(bindings::NF_CT_TLS_OVERRUNS),
            begins: sees(bindings::NF_CT_TLS_BEGINS),
            established: sees(bindings::NF_CT_TLS_ESTABLISHED).then_some(view.acked),
        }
    }

    /// Adds `n` to a counter of the connection's network namespace.
    pub(crate) fn count(&self, counter: Counter, n: u32) {
        // SAFETY: `ct` is valid by the type invariants. Packets come only while the helper is
        // registered, and so while there are counters: `Helper` drops them last.
        unsafe { bindings::nf_ct_tls_count(self.ct.as_ptr(), counter.index(), n.into()) };
    }

    /// Reports that this packet broke the rule of `reason`, and what became of that.
    pub(crate) fn report(&self, reason: Reason, broken: Broken) {
        let name = reason.name();
        let reply = self.direction() == Direction::Reply;
        let outcome = match broken {
            Broken::Reported => bindings::NF_CT_TLS_REPORTED,
            Broken::Dropped => bindings::NF_CT_TLS_DROPPED,
            Broken::Reset => bindings::NF_CT_TLS_RESET,
        };
        // SAFETY: `skb` and `ct` are valid by the type invariants, `name` is as long as said, and
        // the connection's lock is not held: guards do not outlive the look at the state.
        unsafe {
            bindings::nf_ct_tls_report(
                self.skb.as_ptr(),
                self.ct.as_ptr(),
                name.as_ptr(),
                name.len() as c_uint,
                reply,
                outcome,
            )
        };
    }

    /// Ends the connection at both ends. Returns for how many of them that succeeded, and whether
    /// the packet passes, whose TCP header and payload are other ones now.
    pub(crate) fn reset(&mut self) -> (u32, bool) {
        // SAFETY: `skb` and `ct` are valid by the type invariants, and belong to us: nobody borrows
        // of a packet that is borrowed mutably. The connection's lock is not held, since a guard
        // borrows the packet, too.
        let ended = unsafe {
            bindings::nf_ct_tls_reset(
                self.skb.as_ptr(),
                self.protoff,
                self.ct.as_ptr(),
                self.ctinfo,
            )
        };
        // INVARIANT: It is another segment now, of which nothing was found.
        self.segment.len = 0;
        self.segment.options = core::ptr::null();
        let passes = ended & bindings::NF_CT_TLS_RECEIVER != 0;
        (ended.count_ones(), passes)
    }

    /// Keeps conntrack's entry of the connection for as long as an end of it may live.
    pub(crate) fn hold(&self) {
        // SAFETY: `ct` is valid by the type invariants.
        unsafe { bindings::nf_ct_tls_hold(self.ct.as_ptr()) };
    }

    /// Leaves the entry to conntrack again, and clears bits in its mark.
    pub(crate) fn release(&self, mark: u32) {
        // SAFETY: `ct` is valid by the type invariants.
        unsafe {
            bindings::nf_ct_tls_unhold(self.ct.as_ptr());
            bindings::nf_ct_tls_clear_mark(self.ct.as_ptr(), mark);
        }
    }

    /// Marks the connection for a reason.
    pub(crate) fn set_mark(&self, mask: u32, reason: Reason) {
        // SAFETY: `ct` is valid by the type invariants.
        unsafe { bindings::nf_ct_tls_set_mark(self.ct.as_ptr(), mask, reason as c_uint) };
    }
}

/// Copies a connection's state without its lock: words of it may be of different moments.
///
/// # Safety
///
/// `state` is the helper's data of a connection that is not freed meanwhile: 32 bytes, 8-aligned.
#[inline]
unsafe fn snapshot(state: NonNull<State>) -> Connection {
    let words = state.as_ptr().cast::<u64>();
    // SAFETY: By the safety requirements there are four words. Another CPU may write them at the
    // same time, so they are read as READ_ONCE() does: each is the old one or the new one.
    let words = [0, 1, 2, 3].map(|word| unsafe { words.add(word).read_volatile() });
    // SAFETY: A `Connection` consists of integers, so that every value of the words is one.
    unsafe { State { words }.connection }
}

/// How conntrack sees a segment, as of a moment when its connection was locked.
pub(crate) struct View(bindings::nf_ct_tls_view);

/// A connection's state, while its lock is held.
///
/// # Invariants
///
/// `ct->lock` is held, by us. `state` points at the helper's data in `ct`: 32 bytes, 8-aligned,
/// zeroed when the connection was made, written by nobody without the lock; every value of them is
/// a valid [`Connection`], which consists of integers.
pub(crate) struct StateGuard<'a> {
    ct: NonNull<bindings::nf_conn>,
    state: NonNull<Connection>,
    _packet: PhantomData<&'a ()>,
}

impl Deref for StateGuard<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        // SAFETY: By the type invariants.
        unsafe { self.state.as_ref() }
    }
}

impl DerefMut for StateGuard<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        // SAFETY: By the type invariants.
        unsafe { self.state.as_mut() }
    }
}

impl Drop for StateGuard<'_> {
    fn drop(&mut self) {
        // SAFETY: The lock is held by the type invariants, and nothing uses the state any more.
        unsafe { bindings::nf_ct_tls_unlock(self.ct.as_ptr()) };
    }
}

/// A walk over a packet's payload.
///
/// # Invariants
///
/// `cursor` was begun by `nf_ct_tls_cursor_begin`, and walks over `len` bytes of a packet that
/// lives for `'a`, `consumed` of which were handed out.
struct Chunks<'a> {
    // C initialises as much of it as a `struct skb_seq_state` has, and nobody else looks into it.
    cursor: MaybeUninit<bindings::nf_ct_tls_cursor>,
    consumed: u32,
    len: u32,
    _packet: PhantomData<&'a ()>,
}

impl<'a> Chunks<'a> {
    /// Begins a walk from byte `from` to byte `to` of a payload.
    fn new(payload: &'a Payload<'_>, from: u32, to: u32) -> Self {
        let to = to.min(payload.len);
        let len = to.saturating_sub(from);
        let begin = payload.offset.saturating_add(from.min(to));
        let end = begin.saturating_add(len);
        let mut cursor = MaybeUninit::uninit();
        // SAFETY: The packet is valid by its type invariants, and the payload lies within it by its
        // own. `cursor` has room for what C writes.
        unsafe {
            bindings::nf_ct_tls_cursor_begin(
                cursor.as_mut_ptr(),
                payload.packet.skb.as_ptr(),
                begin,
                end,
            )
        };
        // INVARIANT: The walk has just begun. It holds no pointer to itself, so it may be moved.
        Chunks {
            cursor,
            consumed: 0,
            len,
            _packet: PhantomData,
        }
    }

    /// The next bytes, which stay until the next call.
    fn next(&mut self) -> Option<&[u8]> {
        let left = self
            .len
            .checked_sub(self.consumed)
            .filter(|&left| left != 0)?;
        let mut data = core::ptr::null();
        // SAFETY: By the type invariants the walk is under way, and `consumed` never shrinks.
        let found = unsafe {
            bindings::nf_ct_tls_cursor_next(self.cursor.as_mut_ptr(), self.consumed, &mut data)
        };
        if found == 0 || data.is_null() {
            return None;
        }
        // What is found may reach beyond the end that was asked for.
        let length = found.min(left);
        self.consumed = self.consumed.saturating_add(length);
        // SAFETY: C promises `found` readable, initialised bytes at `data` until the next call,
        // which the borrow of `self` forbids as long as the slice lives; `length` is no more.
        //
        // A slice promises one thing that cannot be kept: on the sending machine, payload may lie
        // in pages that the sender can still write (sendfile(), vmsplice(), MSG_ZEROCOPY). By
        // Rust's rules that is a data race. Each checksum and copy in the kernel has the same race.
        // It is harmless here because of what the parser does with a byte: it decides on values,
        // never on addresses; every length that it takes from the payload is compared with what is
        // left before use, with checked arithmetic; `unsafe` is forbidden in it, and indexing is
        // checked. A byte that is read twice with two values gives another verdict on a packet of
        // the sender who changed it, and nothing else.
        Some(unsafe { slice::from_raw_parts(data, length as usize) })
    }
}

impl Drop for Chunks<'_> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the walk was begun, and nobody uses it any more.
        unsafe { bindings::nf_ct_tls_cursor_end(self.cursor.as_mut_ptr()) };
    }
}

/// Names a counter; `helpers.h` has the contract.
///
/// # Safety
///
/// `len` can be written.
#[no_mangle]
pub(crate) unsafe extern "C" fn nf_ct_tls_counter_name(
    counter: c_uint,
    len: *mut c_uint,
) -> *const u8 {
    // SAFETY: By the safety requirements.
    unsafe { lend_name(Counter::name(counter), len) }
}

/// Names a reason; `helpers.h` has the contract.
///
/// # Safety
///
/// `len` can be written.
#[no_mangle]
pub(crate) unsafe extern "C" fn nf_ct_tls_reason_name(
    reason: c_uint,
    len: *mut c_uint,
) -> *const u8 {
    let reason = (reason as usize)
        .checked_sub(1)
        .and_then(|index| Reason::ALL.get(index));
    // SAFETY: By the safety requirements.
    unsafe { lend_name(reason.map(|reason| reason.name()), len) }
}

/// Lends a name to C, as a pointer and a length; NULL for none.
///
/// # Safety
///
/// `len` can be written.
unsafe fn lend_name(name: Option<&'static str>, len: *mut c_uint) -> *const u8 {
    let Some(name) = name else {
        return core::ptr::null();
    };
    // SAFETY: By the safety requirements. Names are short.
    unsafe { len.write(name.len() as c_uint) };
    name.as_ptr()
}

/// Judges a packet; `helpers.h` has the contract.
///
/// # Safety
///
/// - `skb` is a TCP packet of `ct`, whose TCP header is at `protoff`, and belongs to the caller.
/// - `ct` has the helper's extension, and is not freed before we return.
/// - Called under `rcu_read_lock()`, without `ct->lock`.
#[no_mangle]
pub(crate) unsafe extern "C" fn nf_ct_tls_help(
    skb: *mut bindings::sk_buff,
    protoff: c_uint,
    ct: *mut bindings::nf_conn,
    ctinfo: c_uint,
    profile: c_uint,
) -> c_int {
    // SAFETY: By the safety requirements of this function.
    let bare = unsafe { bindings::nf_ct_tls_bare(skb, protoff, ct) };
    if let Some(state) = NonNull::new(bare.cast_mut().cast()) {
        // SAFETY: C returned the helper's data of `ct`, which is not freed before we return.
        if unsafe { snapshot(state) }.condemned().is_none() {
            return bindings::NF_CT_TLS_ACCEPT as c_int;
        }
    }
    // SAFETY: By the safety requirements of this function.
    let passes = unsafe { passes(skb, protoff, ct, ctinfo, profile) };
    if passes {
        bindings::NF_CT_TLS_ACCEPT as c_int
    } else {
        bindings::NF_CT_TLS_DROP as c_int
    }
}

/// Whether a packet passes that is no bare ACK, or whose connection is condemned.
///
/// # Safety
///
/// As for [`nf_ct_tls_help`].
// Out of line, so that the way of a bare ACK stays short.
#[inline(never)]
unsafe fn passes(
    skb: *mut bindings::sk_buff,
    protoff: c_uint,
    ct: *mut bindings::nf_conn,
    ctinfo: c_uint,
    profile: c_uint,
) -> bool {
    let mut room = Room {
        segment: MaybeUninit::uninit(),
        header: MaybeUninit::uninit(),
    };
    // SAFETY: By the safety requirements of this function.
    match unsafe { Packet::from_raw(skb, protoff, ct, ctinfo, profile, &mut room) } {
        Some(mut packet) => crate::judge(&mut packet),
        None => true,
    }
}
