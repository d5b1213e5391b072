namespace ThinkSound.Projects.Editing;

/// <summary>What an instruction is held against: a project as it stands, or a sound from elsewhere.</summary>
public static class EditSubjects
{
    /// <summary>The tracks of a project at its head, with what was thought of them when they were made.</summary>
    public static EditSubject Of(Project project)
    {
        ArgumentNullException.ThrowIfNull(project);
        ProjectDocument document = project.Document;
        ProjectState state = project.State;
        IReadOnlyList<Operation> path = document.PathTo(document.Head);
        return new EditSubject
        {
            Duration = state.Timeline.Duration,
            Tracks = [.. state.Tracks.Select(track => Of(track, path, project.Stems, state.Timeline))],
        };
    }

    /// <summary>A sound of which nothing is known but what somebody says.</summary>
    /// <param name="clip">The sound.</param>
    /// <param name="description">What is heard; "" if nobody says.</param>
    /// <param name="mayGrow">It has no picture that ends.</param>
    public static EditSubject Of(AudioClip clip, string description = "", bool mayGrow = true)
    {
        ArgumentNullException.ThrowIfNull(clip);
        return new EditSubject { Duration = clip.Duration, MayGrow = mayGrow, Tracks = [new EditableTrack { Id = FileEdit.TrackId, IsMix = true, Description = description, Listen = () => clip }] };
    }

    private static EditableTrack Of(Track track, IReadOnlyList<Operation> path, IStemStore stems, Timeline timeline)
    {
        // Edits have reasonings of their own, which tell of the change and not of the track.
        Reasoning.Reasoning? thought = path.LastOrDefault(operation => operation.Payload is FoleyPayload or ObjectPayload && operation.Result.Tracks.Any(made => made.Id == track.Id))?.Reasoning;
        return new EditableTrack
        {
            Id = track.Id, Name = track.Name, IsMix = track.Id == Track.Bed,
            Description = track.Description.Length > 0 ? track.Description : thought?.Caption ?? "",
            Events = thought?.Events ?? [],
            Listen = () =>
            {
                using StemReader reader = stems.Open(track.Audio);
                return reader.ReadClip(0, checked((int)timeline.NumSamples));
            },
        };
    }
}
